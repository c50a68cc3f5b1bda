"""BAIT: what it sees for each task, and that its batch is what a last layer needs."""

from __future__ import annotations

import pytest
import torch

from querist.core.errors import UsageError
from querist.core.rng import generator
from querist.selectors import fisher
from querist.strategies import Bait  # type: ignore[attr-defined]
from querist.testing import toys
from querist.views import Embeddings, Probs, Snapshot


def test_regression_needs_no_probabilities() -> None:
    assert Bait().needs_for("classification") == (Probs(), Embeddings())
    assert Bait().needs_for("regression") == (Embeddings(),)
    snapshot = toys.mixed("regression").snapshot(labelled=range(4))
    picked = Bait()(snapshot, k=5)
    assert picked.tolist() == fisher(snapshot[Embeddings()], k=5, labelled=range(4)).tolist()


def test_options_reach_the_selector() -> None:
    snapshot = toys.mixed("classification").snapshot(labelled=range(4))
    views = {"probs": snapshot[Probs()], "labelled": range(4), "k": 6}
    points = snapshot[Embeddings()]
    for options in ({"regularisation": 20.0}, {"oversample": 1}, {"regularisation": 1e-3, "oversample": 3}):
        assert Bait(**options)(snapshot, k=6).tolist() == fisher(points, **views, **options).tolist()
    with pytest.raises(UsageError, match="more than 0"):
        Bait(regularisation=0.0)(snapshot, k=1)


def test_asks_where_the_model_is_unsure_and_labels_are_missing() -> None:
    """Four directions of equal length, one labelled, one sure, one rare (row 10) and one common (the rows after it)."""
    z = [[4.0, 0, 0, 0]] * 5 + [[0, 4.0, 0, 0]] * 5 + [[0, 0, 4.0, 0]] + [[0, 0, 0, 4.0]] * 5
    probs = [[0.5, 0.5]] * 5 + [[0.999, 0.001]] * 5 + [[0.5, 0.5]] * 6
    snapshot = Snapshot.from_arrays(probs=probs, embeddings=z, labelled=range(4))
    assert Bait()(snapshot, k=1)[0] > 10
    chosen = Bait().choose(snapshot, k=2)
    rare = chosen.rows.tolist().index(10)
    assert chosen.rows[1 - rare] > 10
    shares = [float(reason.split(" would be ")[1].split("%")[0]) for reason in chosen.reasons]
    assert shares[1 - rare] > shares[rare] > 0
    assert all(reason.startswith("without its label the last layer's expected error") for reason in chosen.reasons)


def test_a_layer_learns_more_from_its_batch_than_from_chance() -> None:
    """How far a softmax layer fitted to drawn labels of 40 rows is from the truth, over the pool and 100 draws."""
    rng = generator(0, "layer")
    n, d, c, k, prior = 400, 6, 3, 40, 0.3
    points = torch.randn(n, d, generator=rng, dtype=torch.float64) * torch.linspace(0.2, 2, d, dtype=torch.float64)
    probs = (1.5 * points @ torch.randn(d, c, generator=rng, dtype=torch.float64)).softmax(1)
    ridge = prior * torch.eye(d * c, dtype=torch.float64)

    def divergence(batch: torch.Tensor) -> float:
        x, labels = points[batch], torch.multinomial(probs[batch], 1, generator=rng)[:, 0]
        weights = torch.zeros(d, c, dtype=torch.float64)
        for _ in range(8):  # Newton's steps
            guess = (x @ weights).softmax(1)
            spread = torch.diag_embed(guess) - guess[:, :, None] * guess[:, None]
            curve = torch.einsum("na,ncd,nb->acbd", x, spread, x).reshape(d * c, d * c) + ridge
            slope = x.T @ (guess - torch.nn.functional.one_hot(labels, c)) + prior * weights
            weights -= torch.linalg.solve(curve, slope.flatten()).view(d, c)
        return float((probs * (probs.log() - (points @ weights).log_softmax(1))).sum(1).mean())

    picked = torch.as_tensor(Bait()(Snapshot.from_arrays(probs=probs, embeddings=points), k=k))
    chance = torch.tensor([divergence(torch.randperm(n, generator=rng)[:k]) for _ in range(100)])
    mine = torch.tensor([divergence(picked) for _ in range(100)])
    assert float(chance.mean() - mine.mean()) > 4 * float((mine.var() / 100 + chance.var() / 100).sqrt())
    assert float(mine.mean()) < 0.8 * float(chance.mean())
