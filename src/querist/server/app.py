"""The web application: routes around a house, errors as answers, and the gate in front."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from querist.core.errors import Conflict, DataError, NoSuchRow, NotDurable, QueristError, Refused, UsageError
from querist.server.gate import Buckets, Gate
from querist.server.house import House
from querist.server.routes import pages, project, rows, work
from querist.server.routes.access import TooFast

STATUS: dict[type[QueristError], int] = {
    NoSuchRow: 404,
    Refused: 403,
    Conflict: 409,
    TooFast: 429,
    UsageError: 422,
    DataError: 422,
    # Nothing was stored: the page keeps the answer and sends it again.
    NotDurable: 503,
}
RATE = 100.0
"""Requests a second of one person, twice as many at once: more than any person, less than a loop gone wild."""


def make_app(house: House, hosts: Iterable[str], *, numeric: bool = False, rate: float = RATE) -> ASGIApp:
    """The application of one house.

    Args:
        house: services of a project.
        hosts: names that the server goes by.
        numeric: whether any address in figures is one of them.
        rate: requests a second of one person.
    """
    # No pages of documentation: they would be fetched from elsewhere. The description itself is at /openapi.json.
    app = FastAPI(title="Querist", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.house = house
    app.state.people = Buckets(rate, 2 * rate)
    app.state.strangers = Buckets(10, 30)
    # The name tells projects apart and says nothing of where they lie.
    app.state.cookie = f"querist_{blake2b(str(house.project.folder.resolve()).encode(), digest_size=4).hexdigest()}"
    for each in (work, rows, project, pages):
        app.include_router(each.router)
    app.add_api_route("/openapi.json", lambda: JSONResponse(app.openapi()), include_in_schema=False)
    app.add_exception_handler(QueristError, _situation)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _refused)
    return Gate(app, hosts, numeric=numeric, rate=10 * rate)


def _situation(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, QueristError)
    status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)
    content: dict[str, object] = {"error": error.kind, "message": str(error)}
    if isinstance(error, Conflict):
        content |= {"stored": error.stored, "given": error.given}
    headers = {"retry-after": "1"} if status in (429, 503) else {}
    return JSONResponse(content, status_code=status, headers=headers)


def _malformed(_: Request, error: Exception) -> JSONResponse:
    # What was sent is not sent back: it may hold what no page should show.
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:]) or "the request"
    message = f"{where[:100].encode('ascii', 'backslashreplace').decode()}: {first['type'].replace('_', ' ')}"
    return JSONResponse({"error": "Malformed", "message": message}, status_code=422)


def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    content = {"error": "Refused" if error.status_code != 404 else "NotFound", "message": str(error.detail)}
    return JSONResponse(content, status_code=error.status_code, headers=error.headers)
