"""Serving: a socket, the application behind it, the worker beside it, until somebody says stop."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from querist.core.errors import UsageError
from querist.server.app import RATE, make_app
from querist.server.house import House
from querist.server.services.project import Project
from querist.server.settings import LabelSettings
from querist.server.supervisor import Supervisor
from querist.storage.lock import locked

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where people find the page.

    Args:
        host: what is listened on.
        port: 0 takes a free one.
        names: other names that the server goes by, where people come from other machines.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    names: Sequence[str] = ()

    @property
    def is_loopback(self) -> bool:
        """Whether this machine alone can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names that requests may ask for."""
        if self.is_loopback:
            return LOOPBACK_NAMES
        return (*LOOPBACK_NAMES, self.host, socket.gethostname(), socket.getfqdn(), *self.names)


@dataclass(frozen=True, kw_only=True)
class Ready:
    """What is told once the page can be opened.

    Args:
        url: of the page; with a token that works once, where one person works alone.
        port: that is listened on.
        links: name -> address, for people who were let in just now; told once.
        notes: what the person should know.
    """

    url: str
    port: int
    links: dict[str, str]
    notes: tuple[str, ...]


def serve(
    folder: Path,
    settings: LabelSettings,
    *,
    address: Address,
    ready: Callable[[Ready], None],
    alone: str,
    users: Sequence[tuple[str, str]] = (),
    db: str | None = None,
    train: bool = True,
    rate: float = RATE,
) -> None:
    """Serve a project until Ctrl-C.

    Args:
        folder: of the project; its settings are written there.
        settings: of the project.
        address: where.
        ready: called once the page can be opened.
        alone: the person who works on this machine, where nobody else can reach it and no users were named.
        users: name and role of people to let in; those who are there already are left as they are.
        db: URL of another database.
        train: whether a worker trains beside it.
        rate: requests a second of one person.

    Raises:
        UsageError: the port is taken; or others can reach it and nobody was named.
        InUse: the project is served already.
    """
    import uvicorn

    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder), _listening(address) as listener, Project(folder, settings, db=db) as project:
        settings.write(folder)
        port = listener.getsockname()[1]
        base = f"http://{_in_url(address)}:{port}/"
        named = bool(users) or bool(_known(project))
        if not named and not address.is_loopback:
            raise UsageError(
                f"others can reach {address.host}, and nobody has a name", hint="name people: --users ann:admin,bob"
            )
        house = House.of(project, alone=None if named else alone)
        supervisor = Supervisor(folder, db=db)
        try:
            there = {each.name for each in house.doorman.everybody()}
            fresh = [(name, role) for name, role in users if name not in there]
            links = {name: f"{base}?token={house.doorman.add(name, role)}" for name, role in fresh}
            url = base if named else f"{base}?token={house.doorman.one_time_token()}"
            notes = list(project.notes)
            if not address.is_loopback:
                notes.append("names and labels travel unencrypted: put a TLS proxy in front, or stay in your network")
            app = make_app(house, address.hosts, numeric=not address.is_loopback, rate=rate)
            config = uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                ws="none",
                lifespan="off",
                timeout_graceful_shutdown=5,
            )
            if train:
                supervisor.start()
            # It listens already: who opens the page now waits a moment and is answered.
            ready(Ready(url=url, port=port, links=links, notes=tuple(notes)))
            uvicorn.Server(config).run(sockets=[listener])
        finally:
            if train:
                supervisor.stop()
            house.close()


def _known(project: Project) -> list[str]:
    from querist.storage.people import everybody

    with project.journal.reading() as connection:
        return [each.name for each in everybody(connection)]


def _listening(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address.host, address.port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        taken = error.errno == errno.EADDRINUSE
        what = f"port {address.port} is taken" if taken else f"{address.host} cannot be listened on: {error.strerror}"
        raise UsageError(
            what, hint="--port 0 takes a free one" if taken else "give an address of this machine"
        ) from None
    return listener


def _in_url(address: Address) -> str:
    if address.host in ("0.0.0.0", "::"):
        return address.names[0] if address.names else socket.gethostname()
    return f"[{address.host}]" if ":" in address.host else address.host
