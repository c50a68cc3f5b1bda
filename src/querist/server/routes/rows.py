"""What rows look like, and what is said of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from querist.server.routes.access import Services, Who, person
from querist.server.services.showing import Shown
from querist.storage.answers import Answer

router = APIRouter(prefix="/api/rows", tags=["rows"], dependencies=[Depends(person)])
RowId = Annotated[int, Path(ge=0, lt=2**53)]


@router.get("/{row}")
def show(row: RowId, services: Services) -> Shown:
    """A row; its picture, if it is one, has an address of its own."""
    return services.showing.row(row)


@router.get("/{row}/picture", response_class=Response)
def picture(row: RowId, services: Services) -> Response:
    """The picture of a row, decoded and encoded again here."""
    content, kind = services.showing.picture(row)
    return Response(content, media_type=kind, headers={"cache-control": "private, max-age=3600"})


@router.get("/{row}/answers")
def answers(row: RowId, services: Services, who: Who) -> list[Answer]:
    """What is said of a row: one's own answer, and everybody's for reviewers."""
    return services.desk.answers(who.name, who.role, row)
