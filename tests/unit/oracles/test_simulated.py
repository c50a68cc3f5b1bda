import numpy as np
import pytest

from querist import oracles
from querist.core.errors import DataError
from querist.oracles.base import Oracle
from querist.pool.pool import Pool


def test_it_answers_each_row_that_is_asked_in_the_order_asked():
    pool = Pool.from_arrays(np.arange(8.0).reshape(4, 2), ["a", "b", "c", "d"])
    assert list(oracles.Simulated(pool)(np.array([2, 0]))) == ["c", "a"]


def test_a_pool_without_labels_is_refused_and_told_what_to_try():
    pool = Pool.from_arrays(np.zeros((3, 2)) + np.arange(3)[:, None], name="bare")
    with pytest.raises(DataError, match="bare has no labels to answer from; name their column with --label"):
        oracles.Simulated(pool)


def test_a_row_whose_label_nobody_knows_is_named():
    pool = Pool.from_arrays(np.arange(4.0)[:, None], ["a", "b", "a", "b"])
    oracle = oracles.Simulated(pool)
    new = pool.add(np.array([[9.0]]), origin="synthesised")
    with pytest.raises(DataError, match=str(new[0])):
        oracle(new)


def test_the_folder_is_the_registry():
    assert {"simulated", "noisy_annotators", "model_annotators"} <= set(oracles.registry)
    assert "endpoint" not in oracles.registry
    assert issubclass(oracles.registry["simulated"], Oracle)
    assert {"Simulated", "NoisyAnnotators", "registry"} <= set(dir(oracles))
