"""Who is there: the person behind a request, by cookie or by token."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request

from querist.core.errors import QueristError, Refused
from querist.server.gate import Buckets
from querist.server.house import House
from querist.storage.people import Person

STRANGER = "stranger"


class TooFast(QueristError):
    """One person asks more than a person can."""


async def house(request: Request) -> House:
    """The services of this server."""
    return cast(House, request.app.state.house)


def cookie_name(request: Request) -> str:
    """The name of the cookie: cookies know no ports, and two projects may be labelled on one machine."""
    return cast(str, request.app.state.cookie)


def person(request: Request, services: Annotated[House, Depends(house)]) -> Person:
    """Who sends the request.

    Raises:
        Refused: nobody who is known.
        TooFast: more than a person, or a guest, may ask.
    """
    buckets: Buckets = request.app.state.people
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    cookie = request.cookies.get(cookie_name(request))
    try:
        if scheme.lower() == "bearer" and token:
            found = services.doorman.bearer(token.strip())
        elif cookie:
            found = services.doorman.known(cookie)
        else:
            raise Refused("you are not known here", hint="open the link that you were given")
    except Refused:
        address = request.client.host if request.client is not None else "?"
        if not request.app.state.strangers.spend(address):
            raise TooFast("too many requests that nobody is behind", hint="wait a second") from None
        raise
    if not buckets.spend(found.name):
        raise TooFast(f"{found.name} sends more than a person can", hint="wait a second")
    return found


def admin(who: Annotated[Person, Depends(person)]) -> Person:
    """The same, for what only an admin may do.

    Raises:
        Refused: somebody else.
    """
    if who.role != "admin":
        raise Refused(f"{who.name} is {who.role}, and this is for admins", hint="ask an admin")
    return who


Services = Annotated[House, Depends(house)]
Who = Annotated[Person, Depends(person)]
Admin = Annotated[Person, Depends(admin)]
