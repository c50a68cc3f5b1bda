"""Answers are stored once, replaced knowingly, and taken back one by one."""

from __future__ import annotations

from typing import Any

import pytest

from querist.core.errors import Conflict, DataError, Refused, UnknownName, UsageError
from querist.pool.labels import LabelState
from querist.server.services.acts import Act
from querist.storage.answers import answers_of, find_item, tallies

from .conftest import Make


def said(house: Any, row: int) -> list[tuple[str, str, Any]]:
    with house.journal.reading() as connection:
        return [(each.annotator, each.kind, each.payload) for each in answers_of(connection, row)]


def counts(house: Any, campaign: str = "main") -> dict[str, int]:
    with house.journal.reading() as connection:
        return {name: count for name, count in tallies(connection, campaign).items() if count}


def test_an_answer_is_one_event_and_holds(house: Make) -> None:
    h = house()
    ack = h.say("ann", 0, "cat")
    assert (ack.seq, ack.row, ack.kind, ack.repeated, ack.extra) == (1, 0, "label", False, False)
    assert said(h, 0) == [("ann", "label", "cat")]
    assert counts(h) == {"label": 1, "by/ann": 1, "class/cat": 1}
    assert [(event.kind, event.payload, event.suggestion_shown) for event in h.journal.events()] == [
        ("LabelGiven", "cat", None)
    ]


def test_the_same_operation_again_is_the_same_act(house: Make) -> None:
    h = house()
    first = h.say("ann", 0, "cat", op="x")
    again = h.say("ann", 0, "cat", op="x")
    assert (again.seq, again.repeated) == (first.seq, True)
    assert counts(h)["label"] == 1
    assert len(list(h.journal.events())) == 1
    for other in (("ann", 0, "dog"), ("ann", 1, "cat")):
        with pytest.raises(Conflict, match="operation x is another act"):
            h.say(*other, op="x")
    with pytest.raises(Conflict, match="somebody else's") as caught:
        h.say("bob", 0, "cat", op="x")
    assert caught.value.stored is None, "what somebody else said must not be told"


def test_an_edit_names_the_version_that_it_replaces(house: Make) -> None:
    h = house()
    first = h.say("ann", 0, "cat")
    with pytest.raises(Conflict) as caught:
        h.say("ann", 0, "dog")  # another window, which has not seen the first
    assert caught.value.stored == {"kind": "label", "payload": "cat", "seq": first.seq}
    assert caught.value.given == {"kind": "label", "payload": "dog", "seq": 0}
    edit = h.say("ann", 0, "dog", base=first.seq)
    assert said(h, 0) == [("ann", "label", "dog")]
    with pytest.raises(Conflict):
        h.say("ann", 0, "cat", base=first.seq)
    assert h.say("ann", 0, "cat", base=edit.seq).seq == edit.seq + 1
    assert counts(h) == {"label": 1, "by/ann": 1, "class/cat": 1}


def test_what_is_refused_leaves_nothing(house: Make) -> None:
    h = house()
    with pytest.raises(DataError, match="cow"):
        h.say("ann", 0, "cow")
    with pytest.raises(UsageError, match="no row 99"):
        h.say("ann", 99, "cat")
    with pytest.raises(UnknownName, match="act"):
        h.say("ann", 0, kind="like")
    assert list(h.journal.events()) == []
    assert counts(h) == {}


def test_skip_unsure_and_flag_are_three_things(house: Make) -> None:
    h = house(rows=4)
    h.say("ann", 0, kind="skip")
    h.say("ann", 1, kind="unsure")
    h.say("ann", 2, kind="flag")
    with h.journal.reading() as connection:
        states = [find_item(connection, row).state for row in range(4)]
    assert states == [1, 0, 0, 1], "skipped rows stay open, unsure is an answer, a flag stops the row"
    assert counts(h) == {"skip": 1, "unsure": 1, "flag": 1, "by/ann": 3}
    assert h.rows("bob", 4) == [0, 3]
    assert h.rows("ann", 4) == [], "bob holds them"


def test_undo_goes_back_act_by_act(house: Make) -> None:
    h = house()
    first = h.say("ann", 0, "cat")
    edit = h.say("ann", 0, "dog", base=first.seq)
    h.say("ann", 1, kind="skip")
    undone = h.desk.undo("ann", h.op())
    assert (undone.row, undone.undone, undone.restored) == (1, {"kind": "skip", "payload": None}, None)
    undone = h.desk.undo("ann", h.op())
    assert undone.restored == {"kind": "label", "payload": "cat"}
    assert said(h, 0) == [("ann", "label", "cat")]
    with pytest.raises(Conflict):
        h.say("ann", 0, "dog", base=edit.seq)  # the version that was taken back
    h.say("ann", 0, "dog", base=undone.seq)
    for _ in range(2):
        h.desk.undo("ann", h.op())
    assert said(h, 0) == []
    assert counts(h) == {}
    with pytest.raises(UsageError, match="nothing to take back"):
        h.desk.undo("ann", h.op())
    assert LabelState(h.journal.events(campaign="main")).rows.tolist() == []


def test_undo_is_one_operation_however_often_it_is_sent(house: Make) -> None:
    h = house()
    for row in range(2):
        h.say("ann", row)
    first = h.desk.undo("ann", "u")
    again = h.desk.undo("ann", "u")
    assert (again.seq, again.row, again.repeated) == (first.seq, 1, True)
    assert said(h, 0) == [("ann", "label", "cat")]
    with pytest.raises(Conflict, match="another act"):
        h.desk.undo("ann", "op0")


def test_undo_of_what_was_meant_alone(house: Make) -> None:
    h = house()
    first, second = h.say("ann", 0), h.say("ann", 1)
    h.say("bob", 2)
    with pytest.raises(Conflict) as caught:
        h.desk.undo("ann", h.op(), expected=first.seq)
    assert caught.value.stored == {"seq": second.seq, "row": 1}
    assert h.desk.undo("ann", h.op(), expected=second.seq).row == 1


def test_an_undone_row_comes_back_to_its_window(house: Make) -> None:
    h = house()
    assert h.rows("ann") == [0]
    h.say("ann", 0)
    h.desk.undo("ann", h.op(), client="w1")
    assert h.rows("ann") == [0]
    assert h.rows("bob") == [1]


def test_an_answer_too_many_is_kept(house: Make) -> None:
    h = house()
    h.say("ann", 0, "cat")
    assert h.say("bob", 0, "dog").extra
    assert said(h, 0) == [("ann", "label", "cat"), ("bob", "label", "dog")]


def test_annotators_are_blind_and_reviewers_are_not(house: Make) -> None:
    h = house(needed={0: 2})
    h.say("ann", 0, "cat")
    assert h.desk.answers("bob", "annotator", 0) == []
    assert [each.annotator for each in h.desk.answers("bob", "reviewer", 0)] == ["ann"]
    assert [each.payload for each in h.desk.answers("ann", "annotator", 0)] == ["cat"]


def test_a_flag_is_lowered_by_a_reviewer(house: Make) -> None:
    h = house(rows=1)
    h.say("ann", 0, kind="flag")
    assert h.rows("bob") == []
    with pytest.raises(Refused):
        h.desk.lower("bob", "annotator", h.op(), row=0, flagged_by="ann")
    ack = h.desk.lower("eve", "reviewer", "l", row=0, flagged_by="ann")
    assert h.desk.lower("eve", "reviewer", "l", row=0, flagged_by="ann").seq == ack.seq
    assert h.rows("bob") == [0]
    assert counts(h) == {}
    assert LabelState(h.journal.events(campaign="main")).skipped.tolist() == []


def test_an_act_as_sent_has_a_payload_of_plain_data(house: Make) -> None:
    h = house()
    with pytest.raises(DataError, match="no plain data"):
        h.desk.submit("ann", Act(op_id="x", row=0, kind="skip", payload=float("nan")))
