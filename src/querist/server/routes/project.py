"""What is labelled, how far it is, and who does it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path

from querist.server.routes.access import Services, Who, admin, person
from querist.server.routes.bodies import NAME, PersonBody
from querist.server.services.progress import Progress, progress
from querist.storage.people import Person

router = APIRouter(prefix="/api", tags=["project"])


@router.get("/project")
def project(services: Services, who: Who) -> dict[str, Any]:
    """The task, its classes in the order of the keys, and who asks."""
    labelled = services.project
    return {
        "name": labelled.pool.name,
        "task": labelled.task.kind,
        "classes": list(labelled.task.classes),
        "modality": labelled.pool.modality,
        "suggest": labelled.settings.suggest,
        "lease_s": services.rules.lease_s,
        "notes": labelled.notes,
        "person": {"name": who.name, "role": who.role},
    }


@router.get("/progress", dependencies=[Depends(person)])
def how_far(services: Services) -> Progress:
    """Counts, the learning curve, and what the worker does."""
    return progress(services.project.journal, rows=len(services.project.pool.rows("train")))


@router.get("/people", dependencies=[Depends(admin)])
def everybody(services: Services) -> list[Person]:
    """All who may label."""
    return services.doorman.everybody()


@router.post("/people", dependencies=[Depends(admin)])
def add(body: PersonBody, services: Services) -> dict[str, str]:
    """Let somebody in; the token is in this answer and nowhere else."""
    return {"name": body.name, "role": body.role, "token": services.doorman.add(body.name, body.role)}


@router.delete("/people/{name}", dependencies=[Depends(admin)])
def remove(name: Annotated[str, Path(pattern=NAME)], services: Services) -> dict[str, str]:
    """Let somebody in no longer; what they labelled stays."""
    services.doorman.remove(name)
    return {"removed": name}
