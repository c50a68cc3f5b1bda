"""Label state equals what a naive reading of the events says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from querist.core.errors import UsageError
from querist.core.events import LabelGiven, LabelRetracted, Query, RowAdded, RowSkipped
from querist.pool.labels import LabelState

ACTS = st.lists(
    st.tuples(
        st.sampled_from(["give", "retract", "skip", "add"]),
        st.integers(0, 3),
        st.sampled_from(["ann", "bob", "eve"]),
        st.one_of(st.sampled_from(["cat", "dog"]), st.just(["cat", "dog"])),
    ),
    max_size=40,
)
EVENTS = {"give": LabelGiven, "retract": LabelRetracted, "skip": RowSkipped, "add": RowAdded}


def _event(kind, row, who, label):
    return EVENTS[kind](query=Query(row=row), annotator=who, payload=label if kind == "give" else None)


@given(ACTS)
def test_equals_a_naive_dictionary(acts) -> None:
    state = LabelState(_event(*act) for act in acts)
    naive: dict[tuple[int, str], tuple[int, object]] = {}
    first: dict[int, int] = {}
    skipped: list[int] = []
    for at, (kind, row, who, label) in enumerate(acts):
        if kind == "give":
            naive[row, who] = (at, label)
            first.setdefault(row, at)
            skipped = [one for one in skipped if one != row]
        if kind in ("retract", "skip"):
            naive.pop((row, who), None)
        if not any(key[0] == row for key in naive):
            first.pop(row, None)
            if kind == "skip" and row not in skipped:
                skipped.append(row)
    assert state.rows.tolist() == sorted(first, key=first.__getitem__)
    assert len(state) == len(first)
    assert state.count == sum(kind == "give" for kind, *_ in acts)
    assert state.skipped.tolist() == skipped
    for row in range(4):
        answers = sorted((at, who, label) for (one, who), (at, label) in naive.items() if one == row)
        assert state.answers(row) == {who: label for _, who, label in answers}
        if answers:
            votes = {at: sum(label == other for _, _, other in answers) for at, _, label in answers}
            winner = max(votes, key=lambda at: (votes[at], at))
            assert state.label(row) == acts[winner][3]
        assert (row in state) == bool(answers)


def test_majority_and_ties() -> None:
    state = LabelState()
    for who, label in [("ann", "cat"), ("bob", "dog"), ("eve", "cat")]:
        state.apply(_event("give", 0, who, label))
    assert state.label(0) == "cat"
    state.apply(_event("retract", 0, "eve", None))
    assert state.label(0) == "dog"
    state.apply(_event("give", 0, "ann", "cat"))
    assert state.label(0) == "cat"
    assert state.count == 4
    with pytest.raises(UsageError, match="row 5 has no label"):
        state.label(5)


def test_units_and_pairs_are_no_row_labels() -> None:
    state = LabelState()
    state.apply(LabelGiven(query=Query(row=0, unit=2), payload="O"))
    state.apply(LabelGiven(query=Query(row=0, other=2), payload="same"))
    assert len(state) == 0
