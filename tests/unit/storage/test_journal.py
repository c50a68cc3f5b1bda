from __future__ import annotations

import time
from pathlib import Path

import pytest

from querist.core.errors import DataError, JournalError
from querist.core.events import LabelGiven, LabelRetracted, Query, RowSkipped
from querist.storage.journal import Journal, Pick


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "querist.db"


def given(row: int, payload: object = "cat", **fields: object) -> LabelGiven:
    return LabelGiven(query=Query(row=row), payload=payload, **fields)


def test_events_come_back_in_order_with_all_they_said(path: Path) -> None:
    before = time.time()
    new = [
        given(1, {"b": [1, 2.5, None, "ü"], "a": True}, campaign="badge/0", suggestion_shown=False),
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
    act = given(5)
    with Journal.open(path, create=True) as journal:
        [first] = journal.append([act])
        again = journal.append([act, given(6), act])
        assert again[0] == first == again[2]
        assert [event.query.row for event in journal.events()] == [5, 6]


def test_an_operation_that_says_something_else_is_refused_whole(path: Path) -> None:
    with Journal.open(path, create=True) as journal:
        journal.append([given(5, op_id="a")])
        with pytest.raises(JournalError, match=r"payload 'cat'.*'dog'"):
            journal.append([given(6), given(5, "dog", op_id="a")])
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
