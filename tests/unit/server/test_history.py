"""Random histories of several people against a model that a reader can check: dictionaries and lists."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from querist.core.errors import Conflict, UsageError
from querist.pool.labels import LabelState
from querist.server.services.acts import Ack, Act, Rules
from querist.storage.answers import Item, answers_of, find_item, tallies

from .conftest import House
from .databases import DATABASES

PEOPLE, ROWS, LABELS = ("ann", "bob", "eve"), 6, ("cat", "dog")
NEEDED = {0: 2, 1: 3}
KINDS = ("label", "label", "label", "unsure", "skip", "flag")
Said = tuple[str, Any]


class Naive:
    """What should hold: each person's stack of acts on each row, and the order in which they acted."""

    def __init__(self) -> None:
        self.stacks: dict[tuple[str, int], list[tuple[int, Said]]] = {}
        self.version: dict[tuple[str, int], int] = {}
        self.acts: dict[str, list[tuple[int, int]]] = {who: [] for who in PEOPLE}

    def say(self, who: str, row: int, said: Said, seq: int) -> None:
        self.stacks.setdefault((who, row), []).append((seq, said))
        self.acts[who].append((seq, row))
        self.version[who, row] = seq

    def undo(self, who: str, seq: int) -> int:
        _, row = self.acts[who].pop()
        stack = self.stacks[who, row]
        stack.pop()
        self.version[who, row] = seq if stack else 0
        return row

    def now(self, row: int) -> dict[str, Said]:
        return {who: stack[-1][1] for (who, each), stack in self.stacks.items() if each == row and stack}

    def open(self, row: int) -> int:
        """Opinions that are still wanted."""
        said = [kind for kind, _ in self.now(row).values()]
        opinions = said.count("label") + said.count("unsure")
        return 0 if "flag" in said else max(0, NEEDED.get(row, 1) - opinions)


class History(RuleBasedStateMachine):
    """People take, answer, edit, skip, flag and undo; answers get lost and are asked for again; time passes."""

    url: Any

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        items = [
            Item(row=row, campaign="main", key=str(row), place=row, needed=NEEDED.get(row, 1)) for row in range(ROWS)
        ]
        self.house = House(type(self).url(Path(self.folder.name)), Rules(), items)
        self.naive = Naive()
        self.held: dict[tuple[str, int], float] = {}
        self.sent: list[tuple[str, Act | None, Ack]] = []
        self.ops = (f"op{number}" for number in itertools.count())

    def teardown(self) -> None:
        if hasattr(self, "house"):
            self.house.journal.close()
            self.folder.cleanup()

    @rule(
        who=st.sampled_from(PEOPLE),
        row=st.integers(0, ROWS - 1),
        kind=st.sampled_from(KINDS),
        label=st.sampled_from(LABELS),
    )
    def say(self, who: str, row: int, kind: str, label: str) -> None:
        payload = label if kind == "label" else None
        base = self.naive.version.get((who, row), 0)
        act = Act(op_id=next(self.ops), row=row, kind=kind, payload=payload, base_seq=base)
        ack = self.house.desk.submit(who, act)
        self.naive.say(who, row, (kind, payload), ack.seq)
        self.held.pop((who, row), None)
        self.sent.append((who, act, ack))

    @rule(who=st.sampled_from(PEOPLE), row=st.integers(0, ROWS - 1), off=st.integers(1, 3))
    def say_to_another_version(self, who: str, row: int, off: int) -> None:
        base = self.naive.version.get((who, row), 0) + off
        with pytest.raises(Conflict):
            self.house.desk.submit(who, Act(op_id=next(self.ops), row=row, kind="label", payload="cat", base_seq=base))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def the_answer_was_lost(self, data: st.DataObject) -> None:
        who, act, ack = data.draw(st.sampled_from(self.sent))
        again = self.house.desk.undo(who, ack.op_id) if act is None else self.house.desk.submit(who, act)
        assert (again.seq, again.row, again.kind, again.repeated) == (ack.seq, ack.row, ack.kind, True)

    @rule(who=st.sampled_from(PEOPLE))
    def undo(self, who: str) -> None:
        if not self.naive.acts[who]:
            with pytest.raises(UsageError):
                self.house.desk.undo(who, next(self.ops))
            return
        ack = self.house.desk.undo(who, next(self.ops), client=who)
        assert ack.row == self.naive.undo(who, ack.seq)
        self.held[who, ack.row] = self.house.clock.time + self.house.rules.lease_s
        self.sent.append((who, None, ack))

    @rule(who=st.sampled_from(PEOPLE), count=st.integers(1, 4))
    def take(self, who: str, count: int) -> None:
        now = self.house.clock.time
        self.held = {key: until for key, until in self.held.items() if until > now}
        mine = {row for (each, row) in self.held if each == who}
        rows = self.house.rows(who, count, client=who)
        assert len(rows) == len(set(rows))
        for row in set(rows) - mine:
            others = sum(each != who and at == row for each, at in self.held)
            assert self.naive.open(row) > others, "a row beyond its overlap"
            assert self.naive.now(row).get(who, ("skip", None))[0] == "skip", "a row that was answered"
        left = [
            row
            for row in set(range(ROWS)) - mine - set(rows)
            if self.naive.open(row) > sum(at == row for _, at in self.held)
            and self.naive.now(row).get(who, ("skip", None))[0] == "skip"
        ]
        assert len(rows) == count or not left, "rows were left and not handed out"
        for row in {*rows, *mine}:
            self.held[who, row] = now + self.house.rules.lease_s

    @rule(seconds=st.sampled_from([10.0, 299.0, 301.0]))
    def wait(self, seconds: float) -> None:
        self.house.clock.time += seconds

    @invariant()
    def what_holds_is_what_was_said(self) -> None:
        if not hasattr(self, "house"):
            return
        with self.house.journal.reading() as connection:
            for row in range(ROWS):
                now = {each.annotator: (each.kind, each.payload) for each in answers_of(connection, row)}
                assert now == self.naive.now(row)
                item = find_item(connection, row)
                assert item is not None
                assert (item.state > 0) == (self.naive.open(row) > 0)
            counted = tallies(connection, "main")
        said = [kind for row in range(ROWS) for kind, _ in self.naive.now(row).values()]
        assert {kind: counted.get(kind, 0) for kind in set(KINDS)} == {kind: said.count(kind) for kind in set(KINDS)}

    @invariant()
    def the_events_alone_say_the_same(self) -> None:
        if not hasattr(self, "house"):
            return
        events = list(self.house.journal.events())
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        state = LabelState(events)
        for row in range(ROWS):
            labels = {who: payload for who, (kind, payload) in self.naive.now(row).items() if kind == "label"}
            assert state.answers(row) == labels


@pytest.mark.parametrize("kind", list(DATABASES))
def test_histories(kind: str, request: pytest.FixtureRequest) -> None:
    made = request.getfixturevalue(DATABASES[kind])

    class Here(History):
        url = staticmethod(made)

    # Each step looks at everything, so the histories are long rather than many.
    examples = 30 if kind == "sqlite" else 10
    Here.TestCase.settings = settings(max_examples=examples, stateful_step_count=30, deadline=None)
    Here.TestCase("runTest").runTest()
