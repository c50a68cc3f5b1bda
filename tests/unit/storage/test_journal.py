from __future__ import annotations

import sqlite3
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from querist.core.errors import DataError, JournalError
from querist.core.events import LabelGiven, LabelRetracted, Query, RowSkipped
from querist.storage.journal import Journal, Pick


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "querist.db"


def label(row: int, payload: object = "cat", **fields: object) -> LabelGiven:
    return LabelGiven(query=Query(row=row), payload=payload, **fields)


def test_events_come_back_in_order_with_all_they_said(path: Path) -> None:
    before = time.time()
    new = [
        label(1, {"b": [1, 2.5, None, "ü"], "a": True}, campaign="badge/0", suggestion_shown=False),
        LabelRetracted(query=Query(row=1, unit=3), annotator="ann", model_version="v1"),
        RowSkipped(query=Query(row=2, other=9), payload="too dark", suggestion_shown=True),
    ]
    with Journal.open(path, create=True) as journal:
        stored = journal.append(new)
    assert [event.seq for event in stored] == [1, 2, 3]
    assert all(before <= event.at <= time.time() for event in stored)
    with Journal.open(path, create=False) as journal:
        assert list(journal.events()) == stored
        assert [type(event) for event in journal.events()] == [type(event) for event in new]
        assert [(e.query, e.payload, e.op_id) for e in stored] == [(e.query, e.payload, e.op_id) for e in new]
        assert [event.seq for event in journal.events(campaign="main")] == [2, 3]
        assert [event.seq for event in journal.events(after=2)] == [3]


def test_an_operation_is_stored_once(path: Path) -> None:
    act = label(5)
    with Journal.open(path, create=True) as journal:
        [first] = journal.append([act])
        again = journal.append([act, label(6), act])
        assert again[0] == first == again[2]
        assert [event.query.row for event in journal.events()] == [5, 6]


def test_an_operation_that_says_something_else_is_refused_whole(path: Path) -> None:
    with Journal.open(path, create=True) as journal:
        journal.append([label(5, op_id="a")])
        with pytest.raises(JournalError, match=r"payload 'cat'.*'dog'"):
            journal.append([label(6), label(5, "dog", op_id="a")])
        assert [event.query.row for event in journal.events()] == [5]


def test_rounds_are_asked_and_closed(path: Path) -> None:
    picks = [Pick(row=9, reason="far away", order=1), Pick(row=4, reason="unsure", order=0)]
    with Journal.open(path, create=True) as journal:
        journal.ask("badge/0", 0, picks, model_version="v0", state={"arm": [1, 2]})
        [asked] = journal.rounds("badge/0")
        assert [pick.row for pick in asked.picks] == [4, 9]
        assert (asked.closed, asked.labels, asked.metrics, asked.model_version) == (False, None, {}, "v0")
        journal.close_round(
            "badge/0",
            0,
            labels=2,
            metrics={"accuracy": 0.5, "f1": float("nan")},
            seconds={"fit": 1.5},
            model_version="v1",
        )
        journal.ask("badge/0", 1, [], model_version="v1")
    with Journal.open(path, create=False) as journal:
        closed, empty = journal.rounds("badge/0")
        assert (closed.closed, closed.labels, closed.seconds, closed.state) == (True, 2, {"fit": 1.5}, {"arm": [1, 2]})
        assert closed.metrics["accuracy"] == 0.5
        assert closed.metrics["f1"] != closed.metrics["f1"]
        assert (closed.asked_by, closed.model_version) == ("v0", "v1")
        assert (empty.number, empty.picks) == (1, ())
        assert journal.campaigns() == ["badge/0"]
        assert journal.rounds("random/0") == []


def test_meta_keeps_plain_data(path: Path) -> None:
    with Journal.open(path, create=True) as journal:
        assert journal.meta("seeds", "none") == "none"
        journal.set_meta("seeds", (0, 1))
        journal.set_meta("seeds", (0, 2))
        assert journal.meta("seeds") == [0, 2]
        with pytest.raises(DataError, match="no plain data"):
            journal.set_meta("seeds", float("nan"))


def test_a_journal_that_is_not_there_is_not_made_by_reading(path: Path) -> None:
    with pytest.raises(DataError, match="there is no journal"):
        Journal.open(path, create=False)
    assert not path.exists()


acts = st.lists(st.lists(st.tuples(st.integers(0, 6), st.text(max_size=3)), max_size=4), max_size=6)


@settings(max_examples=20, deadline=None)
@given(acts)
def test_any_order_of_retries_stores_each_act_once(batches: list[list[tuple[int, str]]]) -> None:
    """Model: a dict from op_id to the first act that bore it; a batch that contradicts it is refused whole."""
    with tempfile.TemporaryDirectory() as folder, Journal.open(Path(folder) / "q.db", create=True) as journal:
        model: dict[str, tuple[int, str]] = {}
        for batch in batches:
            events = [label(row, payload, op_id=str(row)) for row, payload in batch]
            after = dict(model)
            fits = all(after.setdefault(str(row), (row, payload)) == (row, payload) for row, payload in batch)
            if fits:
                stored = journal.append(events)
                assert [event.op_id for event in stored] == [str(row) for row, _ in batch]
                model = after
            else:
                with pytest.raises(JournalError):
                    journal.append(events)
            seen = list(journal.events())
            assert [(e.query.row, e.payload) for e in seen] == list(model.values())
            assert [e.seq for e in seen] == list(range(1, len(seen) + 1))


plain_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=20, deadline=None)
@given(st.lists(plain_data, min_size=1, max_size=5), st.text(), st.text())
def test_plain_data_and_names_come_back_as_they_were(payloads: list[object], annotator: str, campaign: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with Journal.open(Path(folder) / "q.db", create=True) as journal:
            stored = journal.append(
                [label(row, payload, annotator=annotator, campaign=campaign) for row, payload in enumerate(payloads)]
            )
        with Journal.open(Path(folder) / "q.db", create=False) as journal:
            assert list(journal.events(campaign=campaign)) == stored
            assert [repr(event.payload) for event in stored] == [repr(payload) for payload in payloads]


@pytest.mark.parametrize("payload", [float("nan"), {1, 2}, object(), [float("inf")], np.int64(3)])
def test_what_json_cannot_hold_is_refused_and_nothing_stored(payload: object, path: Path) -> None:
    with Journal.open(path, create=True) as journal:
        with pytest.raises(DataError, match="the payload of row 2 is no plain data"):
            journal.append([label(1), label(2, payload)])
        assert list(journal.events()) == []


def test_numpy_s_numbers_are_numbers(path: Path) -> None:
    with Journal.open(path, create=True) as journal:
        journal.ask("main", np.int64(0), [Pick(row=np.int64(4), reason="r", order=np.int64(0))])
        journal.close_round(
            "main",
            0,
            labels=np.int64(1),
            metrics={"a": np.float32(0.5)},
            seconds={"fit": np.float64(1)},
            model_version="",
        )
        [event] = journal.append([LabelGiven(query=Query(row=np.int64(4)), payload=0.5)])
        assert type(event.query.row) is int
        assert journal.rounds("main")[0].picks[0].row == 4


def test_numbers_come_back_to_the_last_digit_and_as_what_they_were(path: Path) -> None:
    # SQLite's own reading of the first gives its neighbour.
    given = [-540046016.449763, 3.0, 3, 1e300, 0.1, 5e-324, -0.0, "3.0", "1e5"]
    with Journal.open(path, create=True) as journal:
        journal.append([LabelGiven(query=Query(row=row), payload=value) for row, value in enumerate(given)])
        journal.set_meta("numbers", 3.0)
        assert [repr(event.payload) for event in journal.events()] == [repr(value) for value in given]
        assert repr(journal.meta("numbers")) == "3.0"


def test_a_long_journal_is_read_page_by_page_while_it_grows(path: Path) -> None:
    with Journal.open(path, create=True) as journal:
        journal.append([label(row) for row in range(2500)])
        reader = journal.events()
        first = next(reader)
        journal.append([label(2500)])
        assert [first.query.row, *(event.query.row for event in reader)] == list(range(2501))


def test_an_event_of_an_unknown_kind_is_named(path: Path) -> None:
    with Journal.open(path, create=True) as journal:
        journal.append([label(1)])
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(
            "INSERT INTO events SELECT 2, 'x', at, campaign, annotator, 'BoxDrawn', row, unit, other, payload, "
            "suggestion_shown, model_version FROM events"
        )
    connection.close()
    with Journal.open(path, create=False) as journal, pytest.raises(JournalError, match="unknown kind 'BoxDrawn'"):
        list(journal.events())


def test_asking_again_must_repeat_the_rows_in_order(path: Path) -> None:
    picks = [Pick(row=3, reason="a", order=0), Pick(row=1, reason="b", order=1)]
    with Journal.open(path, create=True) as journal:
        journal.ask("main", 0, picks)
        journal.ask("main", 0, list(reversed(picks)), model_version="other")
        for other in ([], picks[:1], [Pick(1, "b", 0), Pick(3, "a", 1)], [*picks, Pick(5, "c", 2)]):
            with pytest.raises(JournalError, match="round 0 of main is recorded with 2 other rows"):
                journal.ask("main", 0, other)
        with pytest.raises(JournalError, match="one place in the order"):
            journal.ask("main", 1, [Pick(1, "", 0), Pick(2, "", 0)])
        journal.ask("random/0", 0, [Pick(1, "b", 0)])
        assert [known.picks for known in journal.rounds("main")] == [tuple(picks)]
        assert journal.rounds("main")[0].model_version == ""


def test_a_round_is_closed_once(path: Path) -> None:
    outcome = {"labels": 3, "metrics": {"a": float("nan"), "b": 1.0}, "seconds": {"fit": 1.0}, "model_version": "v"}
    with Journal.open(path, create=True) as journal:
        with pytest.raises(JournalError, match="round 0 of main was never asked"):
            journal.close_round("main", 0, **outcome)
        journal.ask("main", 0, [])
        journal.close_round("main", 0, **outcome)
        journal.close_round("main", 0, **outcome | {"seconds": {"fit": 9.0}})
        assert journal.rounds("main")[0].seconds == {"fit": 1.0}
        for change in ({"labels": 4}, {"metrics": {"a": 1.0, "b": 1.0}}, {"metrics": {}}):
            with pytest.raises(JournalError, match="is closed with 3 labels"):
                journal.close_round("main", 0, **outcome | change)
