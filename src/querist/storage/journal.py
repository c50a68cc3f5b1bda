"""The journal: what happened in a run, in order, in one file. Nothing counts before it stands here.

Events (labels given, retracted, ...) are appended and never changed; rounds and their picks are written when they
are asked, and closed once with their metrics. Everything else in a run folder can be rebuilt from it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, func, insert, select, union, update

from querist.core.errors import JournalError
from querist.core.events import Event, event_from
from querist.storage import schema
from querist.storage.database import Database
from querist.storage.plain import plain
from querist.storage.rounds import Pick, Round, read_rounds, write_outcome, write_round

__all__ = ["Journal", "Pick", "Round"]

_PAGE = 1000
"""Events read at a time: a slow reader then holds no transaction open."""

_TERMS = 500
"""Values in one ``IN (...)``: some SQLite builds allow no more than 999."""

_SAME_ACT = ("kind", "query", "payload", "annotator", "campaign")
"""What a repeated ``op_id`` must repeat. The time, and which weights asked, may differ in a retry."""


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
        acts = [_to_row(event) for event in events]
        if not acts:
            return []
        with self._database.writing() as connection:
            stored = _by_op_id(connection, [act["op_id"] for act in acts])
            seq = connection.scalar(select(func.max(schema.events.c.seq))) or 0
            fresh = []
            for act in acts:
                if act["op_id"] in stored:
                    _refuse_other_act(stored[act["op_id"]], _to_event(act))
                    continue
                seq += 1
                act["seq"] = seq
                if act["at"] is None:
                    act["at"] = time.time()
                stored[act["op_id"]] = _to_event(act)
                fresh.append(act)
            if fresh:
                connection.execute(insert(schema.events), fresh)
        return [stored[act["op_id"]] for act in acts]

    def events(self, *, campaign: str | None = None, after: int = 0) -> Iterator[Event]:
        """Stored events by ``seq``: those after ``after``, and of ``campaign`` alone where it is given."""
        query = select(schema.events).order_by(schema.events.c.seq).limit(_PAGE)
        if campaign is not None:
            query = query.where(schema.events.c.campaign == campaign)
        while True:
            with self._database.reading() as connection:
                page = connection.execute(query.where(schema.events.c.seq > after)).mappings().all()
            yield from map(_to_event, page)
            if len(page) < _PAGE:
                return
            after = page[-1]["seq"]

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


def _to_row(event: Event) -> dict[str, Any]:
    """An event as the values of its table row; ``int`` and ``float`` undo numpy's own numbers."""
    query = event.query
    return {
        "op_id": event.op_id,
        "seq": None,
        "at": None if event.at is None else float(event.at),
        "campaign": event.campaign,
        "annotator": event.annotator,
        "kind": event.kind,
        "row": int(query.row),
        "unit": None if query.unit is None else int(query.unit),
        "other": None if query.other is None else int(query.other),
        "payload": plain(event.payload, f"the payload of row {query.row}"),
        "suggestion_shown": event.suggestion_shown,
        "model_version": event.model_version,
    }


def _to_event(row: Mapping[Any, Any]) -> Event:
    values = dict(row)
    kind = values.pop("kind")
    values["query"] = {name: values.pop(name) for name in ("row", "unit", "other")}
    if kind not in Event.kinds:
        raise JournalError(
            f"the journal holds an event of the unknown kind {kind!r}", hint="upgrade querist, or install its plug-in"
        )
    return event_from(kind, values)


def _by_op_id(connection: Connection, op_ids: Sequence[str]) -> dict[str, Event]:
    """The stored events among ``op_ids``."""
    column = schema.events.c.op_id
    found: dict[str, Event] = {}
    for start in range(0, len(op_ids), _TERMS):
        some = op_ids[start : start + _TERMS]
        rows = connection.execute(select(schema.events).where(column.in_(some))).mappings()
        found |= {row["op_id"]: _to_event(row) for row in rows}
    return found


def _refuse_other_act(stored: Event, given: Event) -> None:
    for name in _SAME_ACT:
        if getattr(stored, name) != getattr(given, name):
            raise JournalError(
                f"operation {stored.op_id} is stored with the {name} {getattr(stored, name)!r}, "
                f"and was repeated with {getattr(given, name)!r}",
                hint="give each act an op_id of its own",
            )
