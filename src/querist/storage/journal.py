"""The journal: what happened in a run, in order, in one file. Nothing counts before it stands here.

Events (labels given, retracted, ...) are appended and never changed; rounds and their picks are written when they
are asked, and closed once with their metrics. Everything else in a run folder can be rebuilt from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, func, insert, select, union, update

from querist.core.events import Event
from querist.storage import schema
from querist.storage.database import Database
from querist.storage.event_rows import to_event, write_events
from querist.storage.plain import plain
from querist.storage.rounds import Pick, Round, read_rounds, write_outcome, write_round

__all__ = ["Connection", "Journal", "Pick", "Round"]

_PAGE = 1000
"""Events read at a time: a slow reader then holds no transaction open."""


class Journal:
    """An append-only record of a run. Open one with :meth:`open`; it is a context manager.

    Example:
        >>> import tempfile
        >>> from querist.core.events import LabelGiven, Query
        >>> folder = tempfile.TemporaryDirectory()
        >>> with Journal.open(f"{folder.name}/querist.db", create=True) as journal:
        ...     journal.ask("badge/0", 0, [Pick(row=7, reason="drawn at random", order=0)])
        ...     stored = journal.append([LabelGiven(query=Query(row=7), payload="cat", campaign="badge/0")])
        ...     [(event.seq, event.payload) for event in journal.events()]
        [(1, 'cat')]
        >>> folder.cleanup()
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, path_or_url: str | Path, *, create: bool) -> Journal:
        """The journal at a path or an SQLAlchemy URL; an older one is brought up to date.

        Args:
            path_or_url: for example ``runs/mine/querist.db``, or ``postgresql+psycopg://host/name``.
            create: make it where it is not there yet.

        Raises:
            DataError: it is not there, and ``create`` is false.
            JournalCorrupt: the file is damaged or no journal.
            JournalTooNew: a newer Querist wrote it; nothing was changed.
            NotDurable: it cannot be created or written there.
        """
        return cls(Database(path_or_url, create=create))

    def close(self) -> None:
        """Release the file; closing twice is allowed."""
        self._database.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def append(self, events: Sequence[Event]) -> list[Event]:
        """Store events in one transaction, all or none; durable when this returns.

        An event whose ``op_id`` is stored already is not stored again: a retry after a lost answer is safe.

        Returns:
            The stored events, in the order given, with ``seq`` and ``at``.

        Raises:
            NotDurable: full disk, read-only place, I/O error; nothing was stored.
            DataError: a payload is not plain data, or holds NaN.
            JournalError: an ``op_id`` is stored with another act.
        """
        if not events:
            return []
        with self.writing() as connection:
            return write_events(connection, events)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one moment, for the functions of this room that take a connection."""
        with self._database.reading() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that no other writer shares: all of the block is durable when it is left, or none of it.

        Raises:
            NotDurable: nothing of the block was stored.
        """
        with self._database.writing() as connection:
            yield connection

    def events(self, *, campaign: str | None = None, after: int = 0) -> Iterator[Event]:
        """Stored events by ``seq``: those after ``after``, and of ``campaign`` alone where it is given."""
        query = select(schema.events).order_by(schema.events.c.seq).limit(_PAGE)
        if campaign is not None:
            query = query.where(schema.events.c.campaign == campaign)
        while True:
            with self._database.reading() as connection:
                page = connection.execute(query.where(schema.events.c.seq > after)).mappings().all()
            yield from map(to_event, page)
            if len(page) < _PAGE:
                return
            after = page[-1]["seq"]

    def last_seq(self) -> int:
        """Place of the last event; 0 before the first."""
        with self._database.reading() as connection:
            return connection.scalar(select(func.max(schema.events.c.seq))) or 0

    def ask(
        self,
        campaign: str,
        round: int,  # noqa: A002  (the word of the loop)
        picks: Sequence[Pick],
        *,
        model_version: str = "",
        state: Any = None,
    ) -> None:
        """Record what a round asks, before anybody is asked. Asking the same rows again changes nothing.

        Raises:
            JournalError: this round is recorded with other rows, or with these in another order.
            NotDurable: nothing was stored.
        """
        with self._database.writing() as connection:
            write_round(connection, campaign, round, picks, model_version=model_version, state=state)

    def close_round(
        self,
        campaign: str,
        round: int,  # noqa: A002
        *,
        labels: int,
        metrics: Mapping[str, float],
        seconds: Mapping[str, float],
        model_version: str,
        trained_through: int = 0,
    ) -> None:
        """Record how a round ended. Closing it again with the same labels and metrics changes nothing.

        Args:
            campaign: name inside this journal.
            round: as it was asked.
            labels: labels on the bill.
            metrics: what was measured.
            seconds: what took how long.
            model_version: fingerprint of the weights.
            trained_through: ``seq`` of the last event that the training knew of, so that it can be repeated.

        Raises:
            JournalError: it was never asked, or was closed with another outcome.
            NotDurable: nothing was stored.
        """
        with self._database.writing() as connection:
            write_outcome(
                connection,
                campaign,
                round,
                labels=labels,
                metrics=metrics,
                seconds=seconds,
                model_version=model_version,
                trained_through=trained_through,
            )

    def rounds(self, campaign: str) -> list[Round]:
        """The rounds of ``campaign`` by number, with their picks and, once closed, their metrics."""
        with self._database.reading() as connection:
            return read_rounds(connection, campaign)

    def campaigns(self) -> list[str]:
        """Names of all campaigns that have a round or an event, sorted."""
        with self._database.reading() as connection:
            return sorted(connection.scalars(union(select(schema.rounds.c.campaign), select(schema.events.c.campaign))))

    def meta(self, key: str, default: Any = None) -> Any:
        """The plain data stored under ``key``."""
        with self._database.reading() as connection:
            found = connection.execute(select(schema.meta.c.value).where(schema.meta.c.key == key)).first()
        return default if found is None else found.value

    def set_meta(self, key: str, value: Any) -> None:
        """Store plain data under ``key``, in place of what was there.

        Raises:
            DataError: it is not plain data.
            NotDurable: nothing was stored.
        """
        value = plain(value, f"the value of {key!r}")
        table = schema.meta
        with self._database.writing() as connection:
            changed = connection.execute(update(table).where(table.c.key == key).values(value=value))
            if changed.rowcount == 0:
                connection.execute(insert(table).values(key=key, value=value))
