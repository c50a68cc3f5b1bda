"""Who is there: names with roles, let in by a token once and known by a cookie from then on.

Tokens and cookies are 256 random bits, so one round of SHA-256 is enough to keep them: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time

from querist.core.errors import Refused, UnknownName, UsageError
from querist.storage import people
from querist.storage.journal import Journal
from querist.storage.people import Person

ROLES = ("annotator", "reviewer", "admin")
VISIT_S = 30 * 24 * 3600.0
"""How long a browser is known."""


class Doorman:
    """Lets people in.

    Args:
        journal: where names and hashes stand.
        alone: the one person who works on this machine; ``None`` where people have names and tokens.
    """

    def __init__(self, journal: Journal, *, alone: str | None = None) -> None:
        self._journal = journal
        self._alone = None if alone is None else Person(alone, "admin")
        self._once: str | None = None

    def one_time_token(self) -> str:
        """A token that lets in the person who works alone, once.

        Raises:
            UsageError: people have tokens of their own here.
        """
        if self._alone is None:
            raise UsageError("people have tokens of their own here", hint="give them theirs")
        token = secrets.token_urlsafe(32)
        self._once = _hash(token)
        return token

    def add(self, name: str, role: str) -> str:
        """Let somebody in, and return the token, which is nowhere else to be read.

        Raises:
            UsageError: the name is taken, or is none.
            UnknownName: no such role.
        """
        if not re.fullmatch(r"[\w.@-]{1,64}", name):
            raise UsageError(f"{name!r} is no name for a person", hint="use up to 64 letters, digits, dots and dashes")
        if role not in ROLES:
            raise UnknownName("role", role, ROLES)
        token = secrets.token_urlsafe(32)
        with self._journal.writing() as connection:
            people.add_person(connection, Person(name, role), _hash(token))
        return token

    def remove(self, name: str) -> None:
        """Let somebody in no longer; what they labelled stays.

        Raises:
            UnknownName: nobody has this name.
        """
        with self._journal.writing() as connection:
            if not people.remove_person(connection, name):
                raise UnknownName("person", name, [each.name for each in people.everybody(connection)])

    def everybody(self) -> list[Person]:
        """All who may label."""
        if self._alone is not None:
            return [self._alone]
        with self._journal.reading() as connection:
            return people.everybody(connection)

    def admit(self, token: str) -> str:
        """A cookie for whoever has ``token``.

        Raises:
            Refused: nobody has it, or it was used.
        """
        person = self._with_token(token)
        if person is None:
            raise Refused("the token is unknown or was used", hint="start the server again for a new link")
        cookie = secrets.token_urlsafe(32)
        with self._journal.writing() as connection:
            people.add_visit(connection, person.name, _hash(cookie), time.time())
        if person == self._alone:
            self._once = None
        return cookie

    def known(self, cookie: str) -> Person:
        """Whose cookie it is.

        Raises:
            Refused: nobody's, or it is too old.
        """
        with self._journal.reading() as connection:
            found = people.by_cookie(connection, _hash(cookie))
            everybody = [self._alone] if self._alone is not None else people.everybody(connection)
        if found is not None and abs(time.time() - found[1]) < VISIT_S:
            for person in everybody:
                if person.name == found[0]:
                    return person
        raise Refused("this browser is not known", hint="open the link that you were given")

    def bearer(self, token: str) -> Person:
        """Who sends their own token with each request, as a script does.

        Raises:
            Refused: nobody has it. The token that works once is none of these.
        """
        with self._journal.reading() as connection:
            person = people.by_token(connection, _hash(token)) if self._alone is None else None
        if person is None:
            raise Refused("the token is unknown", hint="ask an admin for one")
        return person

    def leave(self, cookie: str) -> None:
        """Forget a browser."""
        with self._journal.writing() as connection:
            people.end_visit(connection, _hash(cookie))

    def _with_token(self, token: str) -> Person | None:
        if self._alone is not None:
            fits = self._once is not None and secrets.compare_digest(self._once, _hash(token))
            return self._alone if fits else None
        with self._journal.reading() as connection:
            return people.by_token(connection, _hash(token))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
