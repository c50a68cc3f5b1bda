"""What the contract of adapters found: each was wrong once."""

import numpy as np
import pytest
from torch import nn

from querist.core.errors import ColdStart, ViewMissing
from querist.models.frozen import Frozen
from querist.models.sklearn import Sklearn
from querist.pool.pool import Pool
from querist.tasks import make_task
from querist.views import Logits, Predictions

TASK = make_task("classification", ["high", "low"])


def numbers(values) -> Pool:
    return Pool.from_arrays(np.asarray(values, dtype=np.float32)[:, None], name="numbers")


@pytest.fixture
def trained():
    pool = numbers([0, 1, 2, 10, 11, 12])
    model = Sklearn("GaussianNB")
    model.prepare(pool, TASK)
    model.fit(pool, pool.rows(), ["low"] * 3 + ["high"] * 3, seed=0)
    return model


def test_an_estimator_reads_the_rows_of_new_data_not_those_it_was_prepared_for(trained):
    new = numbers([12.5, 0.5])
    assert TASK.decide(*trained.predict(new, new.rows())) == ["high", "low"]


def test_an_estimator_refuses_views_of_other_tasks(trained):
    with pytest.raises(ViewMissing, match="GaussianNB does not answer"):
        trained.answer((Predictions(),), numbers([1]), np.array([0]), seed=0)


def test_an_estimator_that_is_prepared_again_has_forgotten_its_training(trained):
    trained.prepare(trained._pool, TASK)
    assert trained.version == ""
    with pytest.raises(ColdStart, match="before it was trained"):
        trained.answer((Logits(),), trained._pool, np.array([0]), seed=0)


@pytest.mark.parametrize("same", [True, False])
def test_a_frozen_model_that_is_prepared_again_has_forgotten_its_training(tmp_path, same):
    pool = numbers(range(6))
    model = Frozen(nn.Identity(), cache=tmp_path, device="cpu")
    model.prepare(pool, TASK)
    model.fit(pool, pool.rows(), ["low"] * 3 + ["high"] * 3, seed=0)
    model.prepare(pool if same else numbers(range(7)), TASK)
    assert model.version == ""
