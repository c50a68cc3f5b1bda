"""Events are plain data that come back as they were."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from querist.core.events import Event, LabelGiven, Query, event_from, new_op_id

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
POSITIONS = st.integers(0, 2**40)


@given(
    kind=st.sampled_from(sorted(Event.kinds)),
    query=st.builds(Query, row=POSITIONS, unit=st.none() | POSITIONS, other=st.none() | POSITIONS),
    payload=JSON,
    shown=st.none() | st.booleans(),
)
def test_round_trip_through_json(kind: str, query: Query, payload: object, shown: bool | None) -> None:
    event = Event.kinds[kind](query=query, payload=payload, suggestion_shown=shown, at=1.5, seq=3)
    assert event_from(event.kind, json.loads(json.dumps(dataclasses.asdict(event)))) == event


def test_two_acts_have_two_ids() -> None:
    given_once, given_again = (LabelGiven(query=Query(row=1), payload="cat") for _ in range(2))
    assert given_once.op_id != given_again.op_id
    assert len({new_op_id() for _ in range(1000)}) == 1000


def test_a_fact_does_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        LabelGiven(query=Query(row=1)).payload = "dog"  # type: ignore[misc]
