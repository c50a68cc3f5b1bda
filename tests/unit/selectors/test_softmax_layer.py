"""A softmax layer is the one minimum of its loss, and moves where one row more pulls it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from querist.core.rng import generator
from querist.selectors.softmax_layer import SoftmaxLayer


def rows(n: int, *, d: int = 4, c: int = 3, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows around the corners of a simplex, every class among the first."""
    rng = generator(seed, "layer")
    y = torch.arange(n) % c
    return 1.5 * torch.eye(c, d)[y] + torch.randn(n, d, generator=rng), y


def fitted(x: np.ndarray, y: np.ndarray, strength: float) -> LogisticRegression:
    return LogisticRegression(C=strength, tol=1e-12, max_iter=100_000, solver="newton-cg").fit(x, y)


@pytest.mark.parametrize("strength", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("c", [2, 3, 5])
def test_it_is_the_logistic_regression_of_another_library(strength: float, c: int) -> None:
    x, y = rows(60, d=6, c=c)
    layer = SoftmaxLayer(x, y, c=c, strength=strength)
    # For two classes the other library has one weight vector, which halves its penalty.
    other = fitted(x.double().numpy(), y.numpy(), strength if c > 2 else 2 * strength)
    expected = other.predict_proba(x.double().numpy())
    np.testing.assert_allclose(layer.probs(x).numpy(), expected, atol=1e-5)
    assert abs(float(layer.weights[:, -1].sum())) < 1e-9


def test_refits_are_trainings_from_nothing() -> None:
    x, y = rows(24)
    more, _ = rows(5, seed=1)
    layer = SoftmaxLayer(x, y, c=3)
    moved = layer.refits(more) + layer.weights
    for place in range(5):
        for label in range(3):
            anew = SoftmaxLayer(torch.cat([x, more[place, None]]), torch.cat([y, torch.tensor([label])]), c=3)
            torch.testing.assert_close(moved[place, label], anew.weights, atol=1e-7, rtol=0)


def test_blocks_of_refits_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = rows(24)
    more, _ = rows(7, seed=1)
    whole = SoftmaxLayer(x, y, c=3).refits(more)
    monkeypatch.setattr("querist.selectors.softmax_layer._MOST", 100)
    torch.testing.assert_close(SoftmaxLayer(x, y, c=3).refits(more), whole, atol=1e-8, rtol=0)


def test_a_move_goes_where_the_refit_goes() -> None:
    """The others' loss is the more of a parabola the more rows there are: 30 leave a gap of 23%, 300 one of 5%."""
    more, _ = rows(20, seed=1)
    gaps = []
    for n in (30, 300):
        x, y = rows(n)
        layer = SoftmaxLayer(x, y, c=3)
        moved, anew = layer.moves(more), layer.refits(more)
        gaps.append(float((moved - anew).norm() / anew.norm()))
    assert gaps[0] < 0.3
    assert gaps[1] < 0.08


def test_a_row_moves_its_own_answer_towards_its_label() -> None:
    x, y = rows(30)
    more, _ = rows(8, seed=2)
    layer = SoftmaxLayer(x, y, c=3)
    padded = torch.nn.functional.pad(more.double(), (0, 1), value=1.0)
    for change in (layer.moves(more), layer.refits(more)):
        after = torch.einsum("bw,bycw->byc", padded, change + layer.weights).softmax(-1)
        assert bool((after.diagonal(dim1=1, dim2=2) > layer.probs(more)).all())


def test_one_class_and_separable_rows_are_no_trap() -> None:
    alone = SoftmaxLayer(torch.randn(5, 3, generator=generator(0)), torch.zeros(5, dtype=torch.long), c=1)
    assert alone.probs(torch.zeros(2, 3)).tolist() == [[1.0], [1.0]]
    far = SoftmaxLayer(torch.tensor([[-1e3], [1e3]]), torch.tensor([0, 1]), c=2, strength=1e4)
    assert bool(torch.isfinite(far.weights).all())
    assert far.probs(torch.tensor([[-1e3], [1e3]])).diagonal().min() > 0.999
