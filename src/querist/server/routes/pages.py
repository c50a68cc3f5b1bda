"""The page itself, the door to it, and the few files that it is made of."""

from __future__ import annotations

from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from querist.core.errors import NoSuchRow, Refused
from querist.server.routes.access import Services, TooFast, cookie_name, person
from querist.server.routes.bodies import TokenBody
from querist.server.services.doorman import VISIT_S

router = APIRouter(tags=["page"])
FILES = {"label.js": "text/javascript", "label.css": "text/css", "icon.svg": "image/svg+xml"}
CLOSED = (
    "<!doctype html><html lang='en'><meta charset='utf-8'><title>Querist</title>"
    "<p>This labelling page does not know this browser. Open the link that the server printed, or that an admin "
    "gave you.</p></html>"
)


@router.get("/", response_class=HTMLResponse)
def page(
    request: Request,
    services: Services,
    token: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """The page; with a token in the address, a cookie first, and the address without it."""
    if token is not None:
        return _let_in(request, services, token, RedirectResponse("/", status_code=303))
    try:
        person(request, services)
    except Refused:
        return HTMLResponse(CLOSED, status_code=401)
    return HTMLResponse(_file("index.html"))


@router.post("/api/login")
def login(body: TokenBody, request: Request, services: Services) -> Response:
    """A cookie for a token."""
    return _let_in(request, services, body.token, Response(status_code=204))


@router.post("/api/logout")
def logout(request: Request, services: Services) -> Response:
    """Forget this browser."""
    cookie = request.cookies.get(cookie_name(request))
    if cookie:
        services.doorman.leave(cookie)
    answer = Response(status_code=204)
    answer.delete_cookie(cookie_name(request), httponly=True, samesite="strict")
    return answer


@router.get("/static/{name}")
def static(name: str) -> Response:
    """A file of the page, by a name from a list."""
    if name not in FILES:
        raise NoSuchRow(f"the page has no file {name!r}")
    return Response(_file(name), media_type=FILES[name])


@router.get("/health")
def health() -> dict[str, str]:
    """Whether the server is up; says nothing else to strangers."""
    return {"status": "UP"}


def _let_in(request: Request, services: Services, token: str, answer: Response) -> Response:
    try:
        cookie = services.doorman.admit(token)
    except Refused:
        address = request.client.host if request.client is not None else "?"
        if not request.app.state.strangers.spend(address):
            raise TooFast("too many tokens that nobody has", hint="wait a second") from None
        raise
    answer.set_cookie(
        cookie_name(request),
        cookie,
        max_age=int(VISIT_S),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


def _file(name: str) -> bytes:
    return files("querist.server").joinpath("static", name).read_bytes()
