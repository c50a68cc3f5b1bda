"""One database behind the journal: how it is opened, locked and flushed, and what its faults mean.

SQLite runs in write-ahead mode, flushed to the disk at each commit, and every write takes the write lock when it
begins, so two processes wait for each other and neither has to give up half way. PostgreSQL gets the same order
from an advisory lock.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection

from querist.core.errors import DataError, JournalCorrupt, JournalError, MissingExtra, NotDurable, QueristError
from querist.storage import schema

BUSY_TIMEOUT_S = 60.0
"""How long a writer waits for another one before it gives up."""

_OPTIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "sqlite": ({"querist_writes": False}, {"querist_writes": True}),
    # A reader sees one moment. Each statement of a writer must see what the writer before it committed: a view
    # frozen when the transaction began would be older than the lock.
    "postgresql": ({"isolation_level": "REPEATABLE READ"}, {"isolation_level": "READ COMMITTED"}),
}
"""Database -> options of a transaction that reads, and of one that writes."""

_TURN = (
    f"SET LOCAL lock_timeout = '{BUSY_TIMEOUT_S:g}s'",
    f"SELECT pg_advisory_xact_lock({0x71756572697374})",
)
"""What makes a writer wait for its turn on PostgreSQL; the key spells "querist"."""

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


class Database:
    """Transactions on the database at ``url``, whose tables are at the newest revision.

    Args:
        path_or_url: a file, or an SQLAlchemy URL (``sqlite:///...``, ``postgresql+psycopg://...``).
        create: make the file and the tables where there are none.

    Raises:
        DataError: there is nothing there, and ``create`` is false.
        JournalCorrupt: what is there is damaged, or no journal.
        JournalTooNew: a newer Querist wrote it; nothing was changed.
        NotDurable: it cannot be created or written there.
    """

    def __init__(self, path_or_url: str | Path, *, create: bool) -> None:
        url = _url(path_or_url)
        self._dialect = url.get_backend_name()
        self.name = url.database if self._dialect == "sqlite" else url.render_as_string(hide_password=True)
        self._reads, self._writes = _OPTIONS[self._dialect]
        # SQLite's own waiting sleeps longer and longer, and is unfair; threads of one process queue here instead.
        self._turn = threading.Lock()
        self._engine: Engine | None = None
        with self._faults(writing=True):
            if self._dialect == "sqlite":
                _check_file(Path(str(url.database)), create=create)
            self._engine = _engine(url)
            try:
                self._prepare(create=create)
            except BaseException:
                self.close()
                raise

    def _prepare(self, *, create: bool) -> None:
        with self.reading() as connection:
            if self._dialect == "sqlite":
                self._check_pages(connection)
            found = schema.revision(connection)
        schema.refuse_newer(found)
        if found is None and not create:
            raise JournalCorrupt(f"{self.name} holds no journal", hint="restore it from a copy, or start a new run")
        if self._dialect == "sqlite":
            _switch_to_wal(self._open)
        if found != schema.HEAD:
            with self.writing() as connection:
                schema.bring_to_head(connection)

    def _check_pages(self, connection: Connection) -> None:
        # The thorough check, indexes included: 0.4 s for 200,000 events, and a retry relies on the index of operations.
        found = str(connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar())
        if found != "ok":
            raise self._damaged(found.replace("*** in database main ***", "").strip())

    @property
    def _open(self) -> Engine:
        if self._engine is None:
            raise JournalError(f"the journal {self.name} is closed", hint="open it again")
        return self._engine

    def close(self) -> None:
        """Release the database. SQLite then folds the write-ahead log back into the one file."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one moment of the database."""
        with self._faults(writing=False), self._open.execution_options(**self._reads).begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that no other writer shares; durable when the block is left.

        Raises:
            NotDurable: nothing of the block was stored.
        """
        begin = self._open.execution_options(**self._writes).begin
        with self._faults(writing=True), self._turn, begin() as connection:
            if self._dialect == "postgresql":
                for statement in _TURN:
                    connection.exec_driver_sql(statement)
            yield connection

    @contextmanager
    def _faults(self, *, writing: bool) -> Iterator[None]:
        """Database errors as situations."""
        try:
            yield
        except QueristError:
            raise
        except (exc.DBAPIError, sqlite3.Error) as error:
            cause = getattr(error, "orig", None) or error
            if isinstance(error, exc.IntegrityError | exc.ProgrammingError | exc.DataError):
                raise JournalError(f"{self.name} refused what was to be stored: {cause}") from error
            raise self._situation(cause, writing=writing) from error
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise self._damaged(error) from error
        except OSError as error:
            raise NotDurable(f"{self.name} cannot be written: {error.strerror}", hint=_ROOM) from error

    def _situation(self, error: BaseException, *, writing: bool) -> QueristError:
        if _is_damage(error):
            return self._damaged(error)
        if _is_busy(error):
            what = f"another process has been writing to {self.name} for {BUSY_TIMEOUT_S:g} s"
            return NotDurable(what, hint="wait for it, or stop it, and repeat")
        if writing:
            return NotDurable(f"{self.name} cannot be written, nothing was stored: {error}", hint=_ROOM)
        return JournalError(f"{self.name} cannot be read: {error}", hint="look at the disk and its permissions")

    def _damaged(self, error: BaseException | str) -> JournalCorrupt:
        return JournalCorrupt(f"{self.name} is damaged or no journal: {error}", hint="restore it from a copy")


_ROOM = "make room or make the folder writable, then repeat"


def _is_damage(error: BaseException) -> bool:
    # The low byte of the code is SQLite's class of errors, the rest says which of them. Text that is no UTF-8 is
    # noticed by the driver, which has no code for it.
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return isinstance(error, sqlite3.Error) and "decode" in str(error)
    return code & 0xFF in _DAMAGED


def _is_busy(error: BaseException) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _BUSY


def _url(path_or_url: str | Path) -> URL:
    if isinstance(path_or_url, Path) or "://" not in path_or_url:
        return URL.create("sqlite", database=str(path_or_url))
    try:
        url = make_url(path_or_url)
    except exc.ArgumentError as error:
        raise DataError(f"{path_or_url!r} is no database URL: {error}", hint="give a file") from None
    if url.get_backend_name() not in _OPTIONS:
        raise DataError(f"a journal cannot live in {url.get_backend_name()}", hint=f"use {' or '.join(_OPTIONS)}")
    if url.drivername == "postgresql":  # as people write it: the driver is the one of our extra
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise DataError("a journal in memory is never durable", hint="give a file")
    return url


def _engine(url: URL) -> Engine:
    dumps = partial(json.dumps, allow_nan=False)
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, json_serializer=dumps, connect_args={"timeout": BUSY_TIMEOUT_S})
        event.listen(engine, "connect", _on_connect)
        event.listen(engine, "begin", _on_begin)
        return engine
    try:
        return create_engine(url, json_serializer=dumps, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise MissingExtra(str(error.name), "postgres") from None


def _on_connect(connection: DBAPIConnection, _: Any) -> None:
    # The driver would begin transactions by itself, and late; _on_begin does it instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    # FULL flushes the log at each commit; NORMAL would lose acknowledged labels in a power cut. On macOS a flush
    # reaches the platter only with fullfsync.
    for pragma in ("synchronous=FULL", "fullfsync=ON", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    # A transaction that reads first and asks for the write lock later can be refused it half way.
    writes = connection.get_execution_options().get("querist_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _check_file(path: Path, *, create: bool) -> None:
    if path.is_dir():
        raise DataError(f"{path} is a folder, not a journal", hint="give the file, usually querist.db in it")
    if create:
        path.parent.mkdir(parents=True, exist_ok=True)
    elif not path.exists():
        raise DataError(f"there is no journal at {path}", hint="check the path of the run")


def _switch_to_wal(engine: Engine) -> None:
    """Write-ahead mode is kept in the file, so this acts once in its life."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    connection = engine.raw_connection()
    try:
        while True:
            try:
                connection.cursor().execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as error:
                # SQLite does not wait by itself for this one lock.
                if not _is_busy(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
    finally:
        connection.close()
