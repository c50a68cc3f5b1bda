"""The desk: takes answers in, and takes them back. Each act is one transaction and one event.

Everything that somebody says is kept: an answer that comes after its lease, or one too many, is an opinion more.
Only an answer to a version that has changed meanwhile is refused, with both versions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from querist.core.errors import Conflict, NoSuchRow, Refused, UnknownName, UsageError
from querist.core.events import ActUndone, Event, FlagLowered, LabelRetracted, Query
from querist.server.services.acts import Ack, Act, Rules
from querist.server.services.clock import Clock
from querist.storage import answers as book
from querist.storage import leases, ranking
from querist.storage.answers import ACTS, KINDS, Answer, Item
from querist.storage.event_rows import by_op_id, events_of_row, latest_events, write_events
from querist.storage.journal import Connection, Journal

REVIEWERS = ("reviewer", "admin")
"""Roles that see what others say."""

Said = dict[str, Any]
"""Kind of an event and its payload."""


class Desk:
    """Answers of all annotators.

    Args:
        journal: where they are kept.
        rules: what may be shown, and how long rows are held.
        clock: leases end by it.
        check: refuses a label that cannot be one of that row.
    """

    def __init__(self, journal: Journal, rules: Rules, clock: Clock, check: Callable[[int, Any], None]) -> None:
        self._journal = journal
        self._rules = rules
        self._clock = clock
        self._check = check

    def submit(self, who: str, act: Act) -> Ack:
        """Store what ``who`` says of a row; durable when this returns.

        Raises:
            UnknownName: no such kind of act.
            NoSuchRow: there is no such row.
            DataError: the label does not belong to the task; nothing is stored.
            Conflict: there is another version than the one that was to be replaced, or the operation was another.
            NotDurable: it could not be written; nothing is acknowledged.
        """
        if act.kind not in ACTS:
            raise UnknownName("act", act.kind, ACTS)
        if act.kind == "label":
            self._check(act.row, act.payload)
        with self._journal.writing() as connection:
            stored = self._repeated(connection, act.op_id, who)
            if stored is not None:
                return self._again(connection, stored, who, act)
            item = _item(connection, act.row)
            mine = next(iter(book.answers_of(connection, act.row, annotator=who)), None)
            _refuse_other_base(mine, act)
            held = next(iter(leases.leases_of(connection, who, row=act.row)), None)
            seen = (mine is not None and mine.suggestion_seen) or (held is not None and held.suggestion_seen)
            event = ACTS[act.kind](
                query=Query(row=act.row),
                payload=act.payload,
                annotator=who,
                campaign=item.campaign,
                op_id=act.op_id,
                suggestion_shown=None if self._rules.suggest == "never" else seen,
                model_version=held.model_version if held is not None else "",
            )
            seq = _seq(write_events(connection, [event])[0])
            suggestion = self.suggestion(connection, item) if self._rules.suggest == "after" else None
            seen = seen or suggestion is not None
            answer = Answer(
                row=act.row, annotator=who, kind=act.kind, payload=act.payload, seq=seq, suggestion_seen=seen
            )
            extra = _is_full(item) and mine is None and act.kind in book.OPINIONS
            book.put_answer(connection, item, answer)
            leases.release(connection, who, row=act.row)
            return Ack(op_id=act.op_id, seq=seq, row=act.row, kind=act.kind, extra=extra, suggestion=suggestion)

    def undo(self, who: str, op_id: str, *, client: str = "", expected: int | None = None) -> Ack:
        """Take the last act of ``who`` back that was not taken back yet. What they had said before holds again.

        The row is then leased to the window, so that it comes back before the eyes.

        Args:
            who: whose act.
            op_id: of the undo.
            client: the window that the row comes back to.
            expected: ``seq`` of the act that the person means; any if ``None``.

        Raises:
            UsageError: there is nothing to take back.
            Conflict: the last act is another than expected, or the operation was another.
        """
        with self._journal.writing() as connection:
            stored = self._repeated(connection, op_id, who)
            if stored is not None:
                if not isinstance(stored, ActUndone):
                    raise Conflict(f"operation {op_id} is another act", hint="give each act an id of its own")
                return _undo_ack(stored, repeated=True)
            target = _last_act(connection, who)
            if target is None:
                raise UsageError("there is nothing to take back", hint="label something first")
            if expected is not None and target.seq != expected:
                raise Conflict(
                    f"the last act is {target.seq}, not {expected}",
                    hint="look at what was done last, perhaps in another window",
                    stored={"seq": target.seq, "row": target.query.row},
                    given={"seq": expected},
                )
            row, campaign = target.query.row, target.campaign
            acts = book.standing(events_of_row(connection, campaign, row, annotator=who))
            before = [act for act in acts if act.seq != target.seq]
            restored = before[-1] if before and not isinstance(before[-1], LabelRetracted) else None
            event = ActUndone(
                query=Query(row=row),
                payload={
                    "undoes": target.seq,
                    "undone": _said(target),
                    "restores": None if restored is None else _said(restored),
                },
                annotator=who,
                campaign=campaign,
                op_id=op_id,
            )
            undone = write_events(connection, [event])[0]
            self._put_back(connection, undone, restored, client)
            return _undo_ack(undone)

    def lower(self, who: str, role: str, op_id: str, *, row: int, flagged_by: str) -> Ack:
        """A reviewer has looked at a flag: the row may be asked again.

        Raises:
            Refused: ``role`` may not.
            UsageError: there is no such flag.
        """
        if role not in REVIEWERS:
            raise Refused(f"a flag was to be lowered by {who}, who is {role}", hint="ask a reviewer")
        with self._journal.writing() as connection:
            stored = self._repeated(connection, op_id, who)
            if stored is not None:
                return Ack(op_id=op_id, seq=_seq(stored), row=stored.query.row, kind="lower", repeated=True)
            item = _item(connection, row)
            flags = [each for each in book.answers_of(connection, row, annotator=flagged_by) if each.kind == "flag"]
            if not flags:
                raise UsageError(f"{flagged_by} has no flag on row {row}", hint="look at the row again")
            event = FlagLowered(
                query=Query(row=row), payload={"of": flagged_by}, annotator=who, campaign=item.campaign, op_id=op_id
            )
            seq = _seq(write_events(connection, [event])[0])
            book.drop_answer(connection, item, flagged_by)
            return Ack(op_id=op_id, seq=seq, row=row, kind="lower")

    def answers(self, who: str, role: str, row: int) -> list[Answer]:
        """What is said of a row: all of it for reviewers, and one's own for the others, who label blind.

        Raises:
            NoSuchRow: there is no such row.
        """
        with self._journal.reading() as connection:
            _item(connection, row)
            return book.answers_of(connection, row, annotator=None if role in REVIEWERS else who)

    def suggestion(self, connection: Connection, item: Item) -> Any:
        """What the model thinks of an item; nothing where it must not be shown or has not looked."""
        if self._rules.suggest == "never" or item.blind:
            return None
        now = ranking.current(connection, item.campaign)
        return None if now is None else ranking.guess_of(connection, item.campaign, now[0], item.row)

    def _repeated(self, connection: Connection, op_id: str, who: str) -> Event | None:
        """The act that is stored under ``op_id``; one of somebody else is refused without a word of what it says."""
        stored = by_op_id(connection, [op_id]).get(op_id)
        if stored is not None and stored.annotator != who:
            raise Conflict(f"operation {op_id} is somebody else's", hint="give each act an id of its own")
        return stored

    def _again(self, connection: Connection, stored: Event, who: str, act: Act) -> Ack:
        """The acknowledgement of an act that was stored before."""
        same = (KINDS.get(stored.kind), stored.query.row, stored.payload) == (act.kind, act.row, act.payload)
        if not same:
            raise Conflict(
                f"operation {act.op_id} is another act",
                hint="give each act an id of its own",
                stored=_said(stored) | {"row": stored.query.row},
                given={"kind": ACTS[act.kind].__name__, "payload": act.payload, "row": act.row},
            )
        item = _item(connection, act.row)
        mine = next(iter(book.answers_of(connection, act.row, annotator=who)), None)
        seen = mine is not None and mine.suggestion_seen and self._rules.suggest == "after"
        return Ack(
            op_id=act.op_id,
            seq=_seq(stored),
            row=act.row,
            kind=act.kind,
            repeated=True,
            suggestion=self.suggestion(connection, item) if seen else None,
        )

    def _put_back(self, connection: Connection, undone: Event, restored: Event | None, client: str) -> None:
        row, who = undone.query.row, undone.annotator
        item = _item(connection, row)
        mine = next(iter(book.answers_of(connection, row, annotator=who)), None)
        seen = mine is not None and mine.suggestion_seen
        if restored is None:
            book.drop_answer(connection, item, who)
        else:
            answer = Answer(
                row=row,
                annotator=who,
                kind=KINDS[restored.kind],
                payload=restored.payload,
                seq=_seq(undone),
                suggestion_seen=seen,
            )
            book.put_answer(connection, item, answer)
        lease = leases.Lease(
            row=row,
            annotator=who,
            campaign=item.campaign,
            client=client,
            until=self._clock.now() + self._rules.lease_s,
            suggestion_seen=seen,
        )
        leases.hold(connection, lease)


def _item(connection: Connection, row: int) -> Item:
    item = book.find_item(connection, row)
    if item is None:
        raise NoSuchRow(f"there is no row {row} to label", hint="ask for the next row")
    return item


def _is_full(item: Item) -> bool:
    return item.opinions >= item.needed


def _seq(event: Event) -> int:
    assert event.seq is not None, "what is stored has a place"
    return event.seq


def _said(event: Event) -> Said:
    return {"kind": event.kind, "payload": event.payload}


def _refuse_other_base(mine: Answer | None, act: Act) -> None:
    """Refuse to replace another version than the one that the person saw."""
    stored = 0 if mine is None else mine.seq
    if act.base_seq != stored:
        raise Conflict(
            f"row {act.row} was to be changed from version {act.base_seq}, and it is at {stored}",
            hint="look at both versions and decide again",
            stored=None if mine is None else {"kind": mine.kind, "payload": mine.payload, "seq": mine.seq},
            given={"kind": act.kind, "payload": act.payload, "seq": act.base_seq},
        )


def _last_act(connection: Connection, who: str) -> Event | None:
    """The last act of ``who`` that still stands."""
    undone: set[int] = set()
    for event in latest_events(connection, who):
        if isinstance(event, ActUndone):
            undone.add(event.payload["undoes"])
        elif event.kind in KINDS and event.seq not in undone:
            return event
    return None


def _undo_ack(event: Event, *, repeated: bool = False) -> Ack:
    undone, restored = event.payload["undone"], event.payload["restores"]
    return Ack(
        op_id=event.op_id,
        seq=_seq(event),
        row=event.query.row,
        kind="undo",
        repeated=repeated,
        undone=_in_words(undone),
        restored=None if restored is None else _in_words(restored),
    )


def _in_words(said: Said) -> Said:
    return {"kind": KINDS[said["kind"]], "payload": said["payload"]}
