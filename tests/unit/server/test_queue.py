"""Rows are handed out once, in order of worth, and come back when nobody is there."""

from __future__ import annotations

from collections import Counter

import pytest

from querist.core.errors import UsageError
from querist.storage.journal import Pick
from querist.storage.ranking import publish

from .conftest import House, Make


def rank(h: House, rows: list[int], **options: object) -> int:
    picks = [Pick(row=row, reason=f"why {row}", order=order) for order, row in enumerate(rows)]
    with h.journal.writing() as connection:
        given = {"model_version": "m1", "through": 0, "guesses": {}} | options
        return publish(connection, "main", picks, **given)


def test_asking_again_gives_the_same_rows(house: Make) -> None:
    h = house(rows=6)
    assert h.rows("ann", 2) == [0, 1]
    assert h.rows("ann", 2) == [0, 1]
    assert h.rows("ann", 3) == [0, 1, 2]
    assert h.rows("ann", 2, client="w2") == [3, 4], "another window of the same person"
    assert h.rows("bob", 3) == [5]
    h.say("ann", 0)
    assert h.rows("ann", 3) == [1, 2]


@pytest.mark.parametrize("count", [0, 11])
def test_a_window_holds_a_few(count: int, house: Make) -> None:
    with pytest.raises(UsageError, match="ask for 1 to 10"):
        house().rows("ann", count)


def test_a_lease_ends_and_a_heartbeat_holds_it(house: Make) -> None:
    h = house(rows=1, lease_s=300)
    assert h.rows("ann") == [0]
    h.clock.time += 200
    assert h.queue.heartbeat("ann", "w1") == (1, h.clock.time + 300)
    h.clock.time += 299
    assert h.rows("bob") == []
    h.clock.time += 1
    assert h.rows("bob") == [0]
    assert h.queue.heartbeat("ann", "w1")[0] == 0
    assert not h.say("ann", 0).extra, "it came after the lease, and was still wanted"
    assert h.say("bob", 0).extra


def test_what_is_given_back_is_free_at_once(house: Make) -> None:
    h = house(rows=1)
    assert h.rows("ann") == [0]
    assert h.queue.release("ann", "w2") == 0
    assert h.queue.release("ann", "w1") == 1
    assert h.rows("bob") == [0]


def test_a_clock_put_back_while_the_server_was_off_lets_no_lease_last(house: Make) -> None:
    from querist.server.services.queue import Queue

    h = house(rows=1)
    assert h.rows("ann") == [0]
    h.clock.time -= 86_400
    queue = Queue(h.journal, h.rules, h.clock, h.desk)
    h.clock.time += h.rules.lease_s
    assert [each.row for each in queue.take("bob", "w", 1)] == [0]


def test_the_ranking_comes_first_and_says_why(house: Make) -> None:
    h = house(rows=6)
    rank(h, [4, 2])
    handed = h.queue.take("ann", "w1", 4)
    assert [each.row for each in handed] == [4, 2, 0, 1]
    assert [each.reason for each in handed] == ["why 4", "why 2", "drawn at random", "drawn at random"]
    assert handed[0].model_version == "m1"
    h.say("ann", 4)
    assert [event.model_version for event in h.journal.events()] == ["m1"]


def test_a_new_ranking_holds_from_the_next_row_on(house: Make) -> None:
    h = house(rows=6)
    rank(h, [4, 2, 1])
    assert h.rows("ann", 1) == [4]
    assert rank(h, [5, 3]) == 1
    assert h.rows("ann", 2) == [4, 5]


def test_overlap_gives_a_row_to_as_many_as_are_wanted(house: Make) -> None:
    h = house(rows=3, needed={2: 2})
    assert h.rows("ann", 3) == [0, 1, 2]
    assert h.rows("bob", 3) == [2]
    assert h.rows("eve", 3) == []
    h.say("ann", 2, "cat")
    assert h.rows("eve", 3) == [], "bob still has it"
    h.queue.release("bob", "w1")
    assert h.rows("eve", 3) == [2]
    h.say("eve", 2, "dog")
    assert h.rows("bob", 3) == []
    assert h.rows("ann", 3) == [0, 1]


def test_begun_rows_are_finished_first(house: Make) -> None:
    h = house(rows=4, needed={3: 2})
    h.say("ann", 3)
    assert h.rows("bob") == [3]
    assert h.rows("ann", 4) == [0, 1, 2]


def test_skipped_rows_go_to_others_and_come_back_last(house: Make) -> None:
    h = house(rows=3)
    h.say("ann", 0, kind="skip")
    handed = h.queue.take("ann", "w1", 3)
    assert [each.row for each in handed] == [1, 2, 0]
    assert handed[-1].base_seq == 1
    h.queue.release("ann", "w1")
    assert h.rows("bob") == [0]
    h.say("bob", 0)
    h.say("ann", 1)
    h.say("ann", 2)
    assert h.rows("ann", 3) == []


def test_the_slice_that_measures_gets_its_share(house: Make) -> None:
    h = house(rows=100, held_out=20, held_out_share=0.1)
    seen: list[int] = []
    for _ in range(60):
        row = h.rows("ann", 1)[0]
        seen.append(row)
        h.say("ann", row)
    assert len(set(seen)) == 60
    assert 5 <= sum(row >= 80 for row in seen) <= 7
    with h.journal.reading():
        assert {event.campaign for event in h.journal.events() if event.query.row >= 80} == {"held_out"}


def test_everything_is_handed_out_in_the_end(house: Make) -> None:
    h = house(rows=30, held_out=10, needed={3: 2, 4: 3})
    given: Counter[int] = Counter()
    people = ["ann", "bob", "eve"]
    while sum(len(h.rows(who, 3)) for who in people):
        for who in people:
            for handed in h.queue.take(who, "w1", 3):
                assert not h.say(who, handed.row, base=handed.base_seq).extra
                given[handed.row] += 1
    assert given == {row: {3: 2, 4: 3}.get(row, 1) for row in range(30)}


@pytest.mark.parametrize(
    ("mode", "shown"), [("never", [None, None]), ("before", [False, True]), ("after", [False, False])]
)
def test_exposure_is_logged_with_each_label(mode: str, shown: list[bool | None], house: Make) -> None:
    """Row 9 is of the slice that measures, which is always blind; row 0 is not."""
    h = house(rows=10, held_out=1, suggest=mode, held_out_share=0.5)
    guess = {"label": "dog", "confidence": 0.9}
    rank(h, [0], guesses={0: guess, 9: guess})
    handed = {each.row: each for each in h.queue.take("ann", "w1", 10)}
    assert handed[9].suggestion is None
    assert handed[0].suggestion == (guess if mode == "before" else None)
    blind, open_ = h.say("ann", 9), h.say("ann", 0)
    assert [event.suggestion_shown for event in h.journal.events()] == shown
    assert blind.suggestion is None
    assert open_.suggestion == (guess if mode == "after" else None)
    assert h.say("ann", 0, op="op1").suggestion == open_.suggestion, "a lost answer loses no suggestion"
    if mode == "after":
        h.say("ann", 0, "dog", base=open_.seq)
        assert [event.suggestion_shown for event in h.journal.events()][-1] is True, "an edit after it was led"
