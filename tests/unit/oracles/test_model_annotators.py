"""A model answers what it is sure of, people the rest; the journal knows which, and the bill too."""

import numpy as np
import pytest

from querist.core.errors import DataError, UsageError
from querist.loop.session import Session
from querist.oracles import ModelAnnotators
from querist.oracles.model_annotators import Guess
from querist.oracles.noisy_annotators import Annotator, NoisyAnnotators
from querist.pool.pool import Pool


@pytest.fixture
def pool() -> Pool:
    return Pool.from_arrays(np.eye(6, dtype=np.float32), ["cat", "dog"] * 3)


def model(rows):
    """Sure of even rows, unsure of 1 and 3, speechless about 5; always says cat."""
    return [
        Guess(label=None, confidence=1.0) if row == 5 else Guess(label="cat", confidence=0.95 if row % 2 == 0 else 0.6)
        for row in rows
    ]


def test_unsure_rows_go_to_the_person(pool):
    oracle = ModelAnnotators(pool, model)
    said = oracle.answers(np.array([4, 1, 5, 0]))
    assert [(one.row, one.label, one.annotator) for one in said] == [
        (4, "cat", "model"),
        (1, "dog", "oracle"),
        (5, "dog", "oracle"),
        (0, "cat", "model"),
    ]
    assert list(ModelAnnotators(pool, model, sure=0.5)(np.array([1, 5]))) == ["cat", "dog"]
    assert oracle.annotators == ("model", "oracle")
    # A row that the model has answered already is asked of a person the next time.
    assert oracle.answers(np.array([0]), given={0: ["model"]})[0].annotator == "oracle"


def test_people_may_be_several_and_have_prices(pool):
    people = NoisyAnnotators(pool, [Annotator(name="a", price=2.0), Annotator(name="b", price=3.0)], votes=2)
    oracle = ModelAnnotators(pool, model, person=people, model_price=0.1)
    said = oracle.answers(np.array([0, 1]))
    assert [(one.row, one.annotator == "model") for one in said] == [(0, True), (1, False), (1, False)]
    assert len(oracle(np.array([0, 1]))) == 2
    session = Session(pool, strategy="random")
    session.assign([0, 1])
    session.tell([one.row for one in said], [one.label for one in said], annotator=[one.annotator for one in said])
    assert set(session.state.answers(1)) == {"a", "b"}
    assert oracle.bill(session.journal.events()) == pytest.approx(0.1 + (2 + 0.1) + (3 + 0.1))
    assert ModelAnnotators(pool, model, person_price=5).price(1, "oracle") == 5


def test_refusals(pool):
    with pytest.raises(DataError, match="no labels"):
        ModelAnnotators(Pool.from_arrays(np.eye(2)), model)
    with pytest.raises(UsageError, match=r"1\.5 sure"):
        ModelAnnotators(pool, model, sure=1.5)
    with pytest.raises(UsageError, match="both called 'oracle'"):
        ModelAnnotators(pool, model, model_name="oracle")
    with pytest.raises(DataError, match="gave 1 guesses for 2 rows"):
        ModelAnnotators(pool, lambda rows: [Guess(label="cat", confidence=1)]).answers(np.array([0, 1]))
