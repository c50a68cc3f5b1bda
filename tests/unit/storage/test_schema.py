from __future__ import annotations

import random
import shutil
import sqlite3
import time
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, event

from querist.core.errors import DataError, JournalCorrupt, JournalTooNew, NotDurable
from querist.core.events import LabelGiven, Query
from querist.storage import database, schema
from querist.storage.journal import Journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "querist.db"


def fill(path: Path, count: int) -> list[object]:
    with Journal.open(path, create=True) as journal:
        labels = [
            LabelGiven(query=Query(row=row), payload=f"class {row}", op_id=f"op {row}", at=0.0) for row in range(count)
        ]
        return journal.append(labels)


def declared(path: Path) -> set[tuple[str, str, str]]:
    """What SQLite was told, without the spacing."""
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    connection.close()
    return {(kind, name, " ".join((sql or "").split())) for kind, name, sql in rows}


def migrated(path: Path) -> Path:
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        schema.migrate(connection)
    engine.dispose()
    return path


def test_migrations_and_tables_say_the_same(path: Path, tmp_path: Path) -> None:
    Journal.open(path, create=True).close()
    assert declared(migrated(tmp_path / "migrated.db")) == declared(path)
    assert {name for kind, name, _ in declared(path) if kind == "trigger"} == {
        "events_refuse_update",
        "events_refuse_delete",
    }


def test_the_newest_migration_is_the_head() -> None:
    assert ScriptDirectory(str(schema.MIGRATIONS), version_locations=[str(schema.MIGRATIONS)]).get_heads() == [
        schema.HEAD
    ]


def test_an_older_journal_walks_up_and_keeps_its_events(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = fill(path, 3)
    later = tmp_path / "migrations"
    shutil.copytree(schema.MIGRATIONS, later, ignore=shutil.ignore_patterns("__pycache__"))
    (later / "r9998_note.py").write_text(
        f"import sqlalchemy as sa\nfrom alembic import op\nrevision, down_revision = '9998', {schema.HEAD!r}\n"
        "def upgrade():\n    op.add_column('meta', sa.Column('note', sa.Text))\n"
    )
    monkeypatch.setattr(schema, "MIGRATIONS", later)
    monkeypatch.setattr(schema, "HEAD", "9998")
    for _ in range(2):
        with Journal.open(path, create=False) as journal:
            assert list(journal.events()) == stored
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("9998",)]
        assert "note" in [column[1] for column in connection.execute("PRAGMA table_info(meta)")]
    connection.close()


def test_a_newer_journal_is_left_as_it_is(path: Path) -> None:
    fill(path, 3)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = path.read_bytes()
    for create in (True, False):
        with pytest.raises(JournalTooNew, match=r"revision 9999.*upgrade querist"):
            Journal.open(path, create=create)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_events_cannot_be_changed_or_deleted(path: Path) -> None:
    fill(path, 1)
    connection = sqlite3.connect(path)
    for act in ("UPDATE events SET payload = '1'", "DELETE FROM events"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(act)
    connection.close()


def test_a_fresh_journal_opens_fast(tmp_path: Path) -> None:
    def seconds(name: str) -> float:
        start = time.perf_counter()
        Journal.open(tmp_path / name, create=True).close()
        return time.perf_counter() - start

    # The best of three: this asks about the work to do, not about what else the machine does.
    assert min(seconds(name) for name in "abc") < 0.3


@pytest.mark.parametrize(
    "content", [b"not a database, but long enough to be taken for one" * 100, b"short", b"\0" * 5000]
)
def test_a_file_that_is_no_database_is_refused_and_kept(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    for create in (True, False):
        with pytest.raises(JournalCorrupt, match="restore it from a copy"):
            Journal.open(path, create=create)
    assert path.read_bytes() == content


def test_other_databases_are_refused(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE photos (name TEXT)")
    connection.close()
    with pytest.raises(JournalCorrupt, match="holds the tables photos and no journal"):
        Journal.open(path, create=True)


def test_an_empty_file_is_no_journal_to_read_but_may_become_one(path: Path) -> None:
    path.touch()
    with pytest.raises(JournalCorrupt, match="holds no journal"):
        Journal.open(path, create=False)
    assert len(fill(path, 1)) == 1


def test_a_truncated_journal_is_noticed(path: Path) -> None:
    fill(path, 500)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(JournalCorrupt):
        Journal.open(path, create=False)


def test_random_damage_is_told_or_has_hit_nothing_that_counts(path: Path) -> None:
    stored = fill(path, 2500)  # tables that are still empty must be a small part of the file
    whole = path.read_bytes()
    places = random.Random(0)
    told = 0
    for _ in range(60):
        start = places.randrange(len(whole) - 200)
        path.write_bytes(whole[:start] + places.randbytes(200) + whole[start + 200 :])
        try:
            with Journal.open(path, create=False) as journal:
                assert list(journal.events()) == stored
        except JournalCorrupt as error:
            told += path.name in str(error)
    assert told >= 30


def test_places_where_no_journal_can_be(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder"):
        Journal.open(tmp_path, create=True)
    for url, message in {
        "sqlite://": "in memory",
        "mysql://host/name": "cannot live in mysql; use sqlite or postgresql",
        "://": "is no database URL",
    }.items():
        with pytest.raises(DataError, match=message):
            Journal.open(url, create=True)
    (tmp_path / "file").touch()
    with pytest.raises(NotDurable, match="cannot be written"):
        Journal.open(tmp_path / "file" / "querist.db", create=True)


def test_a_url_and_a_path_name_the_same_journal(tmp_path: Path) -> None:
    odd = tmp_path / "a b" / "größe?x=1#.db"
    stored = fill(odd, 2)
    assert odd.exists()
    with Journal.open(str(odd), create=False) as journal:
        assert list(journal.events()) == stored
    fill(tmp_path / "plain.db", 2)
    with Journal.open(f"sqlite:///{tmp_path}/plain.db", create=False) as journal:
        assert len(list(journal.events())) == 2


def test_writes_take_the_lock_when_they_begin(path: Path) -> None:
    """A transaction that upgrades its lock half way can be refused it, however long it waits."""
    seen: list[str] = []
    with Journal.open(path, create=True) as journal:
        event.listen(journal._database._open, "before_cursor_execute", lambda *args: seen.append(args[2]))
        journal.append([LabelGiven(query=Query(row=1))])
        list(journal.events())
    assert [statement for statement in seen if statement.startswith("BEGIN")] == ["BEGIN IMMEDIATE", "BEGIN"]


def test_a_plain_postgresql_address_takes_the_driver_of_our_extra() -> None:
    for address in ("postgresql://ann@host/name", "postgresql+psycopg://ann@host/name"):
        assert database._url(address).drivername == "postgresql+psycopg"
