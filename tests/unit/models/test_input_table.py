"""Encoded rows: the same whether they are kept or not, also when the pool grows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from querist.core.errors import NonFinite
from querist.models.input_table import InputTable
from querist.models.inputs import ArrayEncoder, encoder_for
from querist.pool.pool import Pool
from querist.tasks import make_task


def sentences(n: int) -> list[list[str]]:
    return [["word"] * (1 + pos % 5) for pos in range(n)]


@pytest.mark.parametrize("cache_mb", [0, 64])
def test_rows_come_in_the_order_asked_and_new_ones_join(cache_mb: float) -> None:
    pool = Pool.from_arrays(sentences(20), [["O"] * (1 + pos % 5) for pos in range(20)])
    task = make_task("tokens", ["O"])
    encoder = encoder_for(pool)
    encoder.learn(pool)
    table = InputTable(pool, encoder, task, cache_mb=cache_mb)
    for rows in (np.array([7, 3]), np.array([3, 19, 7, 3])):
        stored, counts = table(rows)
        assert counts is not None
        assert counts.tolist() == [1 + row % 5 for row in rows]
        assert encoder.lengths(stored).tolist() == counts.tolist()
        assert table.counts(rows).tolist() == counts.tolist()  # type: ignore[union-attr]
    new = pool.add([["word"] * 9], origin="made")
    stored, counts = table(np.array([2, int(new[0])]))
    assert counts is not None
    assert counts.tolist() == encoder.lengths(stored).tolist() == [3, 9]


def test_a_kept_pool_is_encoded_once() -> None:
    pool = Pool.from_arrays(np.random.default_rng(0).normal(size=(50, 3)), ["a"] * 50)
    encoder = encoder_for(pool)
    encoder.learn(pool)
    table = InputTable(pool, encoder, make_task("classification", ["a"]), cache_mb=1)
    before = table(pool.rows())[0][0]
    encoder.encode = lambda payloads: pytest.fail("encoded again")  # type: ignore[method-assign]
    assert torch.equal(table(pool.rows()[::-1].copy())[0][0], before.flip(0))
    assert table.counts(pool.rows()) is None


def test_a_row_that_is_not_finite_is_named() -> None:
    x = np.zeros((10, 2, 2), np.float32)

    class Patched:
        """A pool whose payloads went bad after it was made."""

        def __len__(self) -> int:
            return 10

        def payloads(self, rows: np.ndarray) -> np.ndarray:
            bad = x[rows].copy()
            bad[rows == 6] = np.nan
            return bad

    table = InputTable(Patched(), ArrayEncoder(), make_task("classification", ["a"]), cache_mb=1)  # type: ignore[arg-type]
    with pytest.raises(NonFinite, match="row 6 is not finite"):
        table(np.array([9, 6, 1]))
