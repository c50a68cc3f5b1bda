"""A made-up crowd: errs as often as it was told, repeats itself, and is paid."""

import math

import numpy as np
import pytest

from querist import oracles
from querist.core.errors import DataError, PoolExhausted, UsageError
from querist.core.events import LabelGiven, LabelRetracted, Query
from querist.oracles.noisy_annotators import Annotator, NoisyAnnotators
from querist.pool.pool import Pool

N = 3000


@pytest.fixture(scope="module")
def pool() -> Pool:
    return Pool.from_arrays(np.arange(N, dtype=np.float32)[:, None], ["cat", "cow", "dog"] * (N // 3))


def shares(oracle: NoisyAnnotators, pool: Pool, who: str) -> dict[str, dict[str, float]]:
    """What an annotator says of each true class, and how often."""
    found: dict[str, dict[str, float]] = {true: {} for true in ("cat", "cow", "dog")}
    for row, true in zip(pool.rows().tolist(), pool.truth(pool.rows()), strict=True):
        said = oracle.said(who, row, true)
        found[true][said] = found[true].get(said, 0) + 3 / N
    return found


# 1,000 rows of each class: a share has a standard error of 0.016 at most, and 4 of them are allowed.
MARGIN = 4 * math.sqrt(0.25 / 1000)


def test_each_errs_in_his_own_way(pool):
    crowd = [
        Annotator(name="coin", accuracy=0.7),
        Annotator(name="expert", accuracy={"cat": 0.95, "dog": 0.5}),
        Annotator(name="matrix", confusion={"cat": {"dog": 0.6, "cat": 0.4}}),
        Annotator(name="clicks", looks=0.0),
        Annotator(name="half", looks=0.5),
    ]
    oracle = NoisyAnnotators(pool, crowd)
    expected = {
        "coin": {"cat": {"cat": 0.7, "cow": 0.15, "dog": 0.15}, "dog": {"dog": 0.7, "cat": 0.15, "cow": 0.15}},
        "expert": {"cat": {"cat": 0.95, "cow": 0.025}, "cow": {"cow": 1.0}, "dog": {"dog": 0.5, "cow": 0.25}},
        "matrix": {"cat": {"dog": 0.6, "cat": 0.4}, "dog": {"dog": 1.0}},
        "clicks": {"cat": {"cat": 1 / 3, "cow": 1 / 3, "dog": 1 / 3}},
        "half": {"cat": {"cat": 2 / 3, "cow": 1 / 6, "dog": 1 / 6}},
    }
    for who, lines in expected.items():
        said = shares(oracle, pool, who)
        for true, line in lines.items():
            assert set(said[true]) <= {"cat", "cow", "dog"}
            for label, share in line.items():
                assert said[true].get(label, 0) == pytest.approx(share, abs=MARGIN), (who, true, label)


def test_annotators_err_apart_and_seeds_differ(pool):
    crowd = [Annotator(name="a", accuracy=0.5), Annotator(name="b", accuracy=0.5)]
    first, other = NoisyAnnotators(pool, crowd), NoisyAnnotators(pool, crowd, seed=1)
    truth = pool.truth(pool.rows())
    said = {
        (who, seed): [oracle.said(who, row, true) for row, true in enumerate(truth)]
        for seed, oracle in enumerate((first, other))
        for who in "ab"
    }
    both = np.mean([x == y == t for x, y, t in zip(said["a", 0], said["b", 0], truth, strict=True)])
    assert both == pytest.approx(0.25, abs=0.04)
    assert said["a", 0] != said["a", 1]
    assert said["a", 0] == [NoisyAnnotators(pool, crowd).said("a", row, true) for row, true in enumerate(truth)]


def test_who_answers_is_drawn_and_never_asked_twice(pool):
    oracle = NoisyAnnotators(pool, [Annotator(name=name) for name in "abcd"], votes=2)
    rows = pool.rows()[:800]
    said = oracle.answers(rows)
    assert [answer.row for answer in said] == np.repeat(rows, 2).tolist()
    given: dict[int, list[str]] = {}
    for answer in said:
        given.setdefault(answer.row, []).append(answer.annotator)
    assert all(len(set(names)) == 2 for names in given.values())
    counts = [sum(name in names for names in given.values()) for name in "abcd"]
    assert min(counts) > 400 - 4 * math.sqrt(800 / 4)
    again = oracle.answers(rows, given=given)
    assert all(answer.annotator not in given[answer.row] for answer in again)
    assert {answer.annotator for answer in oracle.answers(rows, among=["a", "c"])} == {"a", "c"}
    with pytest.raises(PoolExhausted, match="row 0 needs 2 more answers and 1 annotators are left"):
        oracle.answers(rows, given={0: "abc"})
    # Asked alone or together, first or last: the same.
    assert [oracle.answers(rows[place : place + 1]) for place in (5, 0)] == [said[10:12], said[:2]]


def test_labels_and_seconds_are_paid(pool):
    crowd = [
        Annotator(name="piece", price=0.05),
        Annotator(name="hour", price=20 / 3600, seconds=9.0),
    ]
    oracle = NoisyAnnotators(pool, crowd)
    assert oracle.price(3, "piece") == 0.05
    assert oracle.seconds(3, "piece") == 0.0
    seconds = [oracle.seconds(row, "hour") for row in range(N)]
    assert np.mean(seconds) == pytest.approx(9, rel=0.05)
    assert np.std(np.log(seconds)) == pytest.approx(0.5, rel=0.05)
    assert oracle.price(7, "hour") == pytest.approx(seconds[7] * 20 / 3600)
    events = [
        LabelGiven(query=Query(row=7), payload="cat", annotator="hour"),
        LabelGiven(query=Query(row=7), payload="dog", annotator="piece"),
        LabelRetracted(query=Query(row=7), annotator="piece"),
        LabelGiven(query=Query(row=8), payload="dog", annotator="somebody else"),
    ]
    assert oracle.bill(events) == pytest.approx(oracle.price(7, "hour") + 0.05)


def test_other_kinds_of_labels():
    rng = np.random.default_rng(0)
    numbers = Pool.from_arrays(np.zeros((4000, 1), np.float32), rng.normal(5, 2, 4000))
    oracle = NoisyAnnotators(numbers, [Annotator(name="x", accuracy=0.75), Annotator(name="r", looks=0.0)])
    truth = np.array(numbers.truth(numbers.rows()))
    errors = np.array([oracle.said("x", row, true) for row, true in enumerate(truth)]) - truth
    assert errors.std() == pytest.approx(0.25 * truth.std(), rel=0.08)
    clicked = np.array([oracle.said("r", row, true) for row, true in enumerate(truth)])
    assert abs(np.corrcoef(clicked, truth)[0, 1]) < 0.07

    sentences = Pool.from_arrays([["a", "b", "c"]] * 900, [["O", "B-place", "O"]] * 900)
    oracle = NoisyAnnotators(sentences, [Annotator(name="x", accuracy=0.8)])
    said = [oracle.said("x", row, ["O", "B-place", "O"]) for row in range(900)]
    right = np.array([[tag == true for tag, true in zip(tags, ["O", "B-place", "O"], strict=True)] for tags in said])
    assert right.mean(0) == pytest.approx([0.8] * 3, abs=4 * math.sqrt(0.16 / 900))

    several = Pool.from_arrays(np.zeros((2, 1), np.float32), np.array([[1, 0, 1], [0, 1, 0]]))
    oracle = NoisyAnnotators(several, [Annotator(name="x", accuracy=0.9), Annotator(name="sure")])
    assert oracle.said("sure", 0, ["0", "2"]) == ["0", "2"]
    held = np.array([[name in oracle.said("x", row, ["0", "2"]) for name in "012"] for row in range(2000)])
    assert held.mean(0) == pytest.approx([0.9, 0.1, 0.9], abs=0.03)


def test_refusals(pool):
    with pytest.raises(DataError, match="no labels to answer from"):
        oracles.NoisyAnnotators(Pool.from_arrays(np.eye(3)))
    for options, said in (
        ({"annotators": []}, "0 annotators have 0 names"),
        ({"annotators": [Annotator(name="a")] * 2}, "2 annotators have 1 names"),
        ({"votes": 4}, "4 votes a row were asked of 3 annotators"),
    ):
        with pytest.raises(UsageError, match=said):
            NoisyAnnotators(pool, **options)
    for options in ({"accuracy": 1.2}, {"accuracy": {"cat": -1}}, {"looks": 2}, {"confusion": {"cat": {"dog": 1.5}}}):
        with pytest.raises(UsageError, match="cannot have a chance"):
            Annotator(name="x", **options)
    with pytest.raises(UsageError, match=r"says of 'cat' sums to 0\.5"):
        Annotator(name="x", confusion={"cat": {"dog": 0.5}})
    for options in ({"price": -1}, {"seconds": 0}):
        with pytest.raises(UsageError, match="costs"):
            Annotator(name="x", **options)
