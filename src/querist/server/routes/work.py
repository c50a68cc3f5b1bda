"""Rows are taken, answers given and taken back."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from querist.server.routes.access import Services, Who
from querist.server.routes.bodies import ActBody, LowerBody, TakeBody, UndoBody, WindowBody
from querist.server.services.acts import Ack, Act, Handed

router = APIRouter(prefix="/api", tags=["work"])


@router.post("/leases")
def take(body: TakeBody, services: Services, who: Who) -> list[Handed]:
    """Rows for a window to show: those it holds, filled up to ``count``. Asking again changes nothing."""
    return services.queue.take(who.name, body.client, body.count)


@router.post("/leases/heartbeat")
def heartbeat(body: WindowBody, services: Services, who: Who) -> dict[str, Any]:
    """The window is still there: what it holds is held for another while."""
    held, until = services.queue.heartbeat(who.name, body.client)
    return {"held": held, "until": until}


@router.post("/leases/release")
def release(body: WindowBody, services: Services, who: Who) -> dict[str, Any]:
    """The window closes: what it holds goes to others."""
    return {"released": services.queue.release(who.name, body.client)}


@router.post("/acts")
def submit(body: ActBody, services: Services, who: Who) -> Ack:
    """An answer. It is durable when this returns; the same ``op_id`` again returns the same."""
    return services.desk.submit(who.name, Act(**body.model_dump()))


@router.post("/undo")
def undo(body: UndoBody, services: Services, who: Who) -> Ack:
    """The last act is taken back, and its row comes back to the window."""
    return services.desk.undo(who.name, body.op_id, client=body.client, expected=body.expected)


@router.post("/flags/lower")
def lower(body: LowerBody, services: Services, who: Who) -> Ack:
    """A reviewer has looked at a flag."""
    return services.desk.lower(who.name, who.role, body.op_id, row=body.row, flagged_by=body.flagged_by)
