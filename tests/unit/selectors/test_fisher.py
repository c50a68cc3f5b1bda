"""The Fisher trace: kept up to date or computed anew it is one number, and the batch makes it small."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from typing import Any

import pytest
import torch

from querist.core.errors import DataError, MemoryTooSmall, NonFinite, UsageError
from querist.core.rng import generator
from querist.core.types import Tensor
from querist.selectors import FactoredPoints, fisher, memory_limit
from querist.selectors.design import Design
from querist.selectors.design_rows import Candidates
from querist.selectors.fisher import fisher_shares
from querist.selectors.information import Information
from querist.selectors.points import DensePoints

MODULE, DESIGN = (sys.modules[f"querist.selectors.{name}"] for name in ("fisher", "design_rows"))


def world(n: int, d: int, c: int, *, seed: int) -> tuple[Tensor, Tensor | None]:
    """Inputs of uneven length and direction, and probabilities from sure to torn; none for one class."""
    rng = generator(seed, "world")
    points = torch.randn(n, d, generator=rng) * torch.linspace(0.3, 2, d)
    sharp = 3 * torch.rand(n, 1, generator=rng)
    return points, (sharp * torch.randn(n, c, generator=rng)).softmax(1) if c else None


class Dense:
    """The same objective in all ``c d`` parameters, every matrix written out."""

    def __init__(self, points: Tensor, probs: Tensor | None, *, k: int, known: Iterable[int] = (), strength: float = 1):
        points = points.double()
        self.vectors = points[:, None]
        if probs is not None:
            probs = probs.double() / probs.double().sum(1, keepdim=True)
            c = probs.shape[1]
            parts = (torch.eye(c, dtype=torch.float64) - probs[:, None]) * probs.sqrt()[:, :, None]
            self.vectors = torch.einsum("nyc,nd->nycd", parts, points).reshape(len(points), c, -1)
        self.known = list(known)
        m = len(self.known)
        self.target = self.sum(range(len(points))) / len(points)
        self.start = strength * torch.eye(self.target.shape[0], dtype=torch.float64)
        if m:
            self.start += self.sum(self.known) / m * (m / (m + k))
        self.share = k / (m + k)

    def sum(self, batch: Iterable[int]) -> Tensor:
        vectors = self.vectors[list(batch)].flatten(0, 1)
        return vectors.T @ vectors

    def trace(self, batch: Iterable[int]) -> float:
        return float((torch.linalg.inv(self.start + self.share * self.sum(batch)) * self.target).sum())

    def picks(self, k: int, free: Iterable[int], *, oversample: float = 2) -> list[int]:
        free = list(free)
        chosen: list[int] = []
        while len(chosen) < min(int(oversample * k), len(free)):
            chosen.append(min((x for x in free if x not in chosen), key=lambda x: self.trace([*chosen, x])))
        while len(chosen) > k:
            chosen.remove(min(chosen, key=lambda x: self.trace([y for y in chosen if y != x])))
        return chosen


@pytest.mark.parametrize("c", [0, 2, 3, 5])
@pytest.mark.parametrize("known", [(), (7, 3, 20, 31)], ids=["cold", "labelled"])
@pytest.mark.parametrize("lazy", [False, True], ids=["awake", "asleep"])
@pytest.mark.parametrize("seed", range(2))
def test_equals_computing_anew(
    c: int, known: tuple[int, ...], lazy: bool, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MODULE, "_TILE", 1)  # as many blocks as there can be
    if lazy:  # as few rows awake as there can be
        monkeypatch.setattr(DESIGN, "_FRONT", 1)
        monkeypatch.setattr(DESIGN, "_SPECTRUM", 0)
        monkeypatch.setattr(DESIGN, "_MANY", 0)
    points, probs = world(36, 4, c, seed=seed)
    candidates = [x for x in range(36) if x % 7]
    picked, shares = fisher_shares(points, k=6, labelled=known, candidates=candidates, probs=probs)
    dense = Dense(points, probs, k=6, known=known)
    assert picked.tolist() == dense.picks(6, [x for x in candidates if x not in known])
    least = dense.trace(picked.tolist())
    missed = [dense.trace([y for y in picked.tolist() if y != x]) / least - 1 for x in picked.tolist()]
    assert shares.tolist() == pytest.approx(missed, rel=1e-5)


@pytest.mark.parametrize("c", [0, 4])
def test_few_rows_are_awake_and_none_that_matters_sleeps(c: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before each pick of a large pool, no row asleep gains as much as the pick; most of them sleep."""
    monkeypatch.setattr(DESIGN, "_FRONT", 64)
    points, probs = world(6_000, 5, c, seed=13)
    awake = []
    first = Candidates.put_in

    def gains(self: Candidates) -> Tensor:
        inputs, roots = self.information.factors(self.pos)
        return DESIGN._values(self.design.inner(inputs, roots), self.design.outer(inputs, roots), 1)

    def watched(self: Candidates) -> None:
        before = gains(self)
        before[self.put] = -math.inf
        first(self)
        assert float(before[self.put[-1]]) >= float(before.max()) * (1 - 1e-8)
        asleep = self._asleep >= 0
        assert bool((gains(self)[asleep] <= self._bound * self._asleep[asleep] * (1 + 1e-8)).all())
        awake.append(len(self.awake))

    monkeypatch.setattr(Candidates, "put_in", watched)
    fisher(points, k=20, labelled=range(5), probs=probs)
    assert len(awake) == 40
    assert sum(awake) / len(awake) < 600


@pytest.mark.parametrize("c", [0, 4])
def test_does_not_drift(c: int) -> None:
    """200 rows put in and 100 taken out again; what is left agrees with one inverse of the whole to nine digits."""
    points, probs = world(500, 6, c, seed=5)
    points, probs = points.double(), None if probs is None else probs.double()
    picked, shares = fisher_shares(10 * points, k=100, labelled=range(20), probs=probs)
    dense = Dense(10 * points, probs, k=100, known=range(20))
    batch = picked.tolist()
    least = dense.trace(batch)
    missed = [dense.trace([y for y in batch if y != x]) / least - 1 for x in batch]
    assert float((shares - torch.tensor(missed, dtype=torch.float64)).abs().max()) < 1e-9


def test_begins_anew_where_rounding_would_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without regularisation to speak of, the first picks take nearly all there is from every table."""
    begun = []
    first = Design.__init__
    monkeypatch.setattr(Design, "__init__", lambda self, *a, **o: begun.append(1) or first(self, *a, **o))  # type: ignore[func-returns-value]
    points, _ = world(60, 5, 0, seed=1)
    points = points.double()
    picked, shares = fisher_shares(points, k=10, regularisation=1e-7)
    dense = Dense(points, None, k=10, strength=1e-7)
    assert picked.tolist() == dense.picks(10, range(60))
    batch = picked.tolist()
    missed = [dense.trace([y for y in batch if y != x]) / dense.trace(batch) - 1 for x in batch]
    assert shares.tolist() == pytest.approx(missed, rel=1e-4)
    assert 1 < len(begun) < 10
    begun.clear()
    fisher(points, k=10)
    assert len(begun) == 1


def test_survives_next_to_no_regularisation() -> None:
    points, probs = world(30, 4, 3, seed=2)
    assert len(set(fisher(points, k=5, probs=probs, regularisation=1e-15).tolist())) == 5
    assert len(set(fisher(points, k=5, regularisation=1e-15).tolist())) == 5


@pytest.mark.parametrize(
    "probs",
    [[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.5, 0.0, 0.5], [1 - 2e-30, 1e-30, 1e-30]],
)
def test_factors_multiply_to_the_covariance_of_a_label(probs: list[float]) -> None:
    table = torch.tensor([probs], dtype=torch.float64)
    _, roots = Information(DensePoints(table=torch.ones(1, 1)), DensePoints(table=table), tile=9).factors(slice(None))
    others = torch.tensor([sum(probs[:i] + probs[i + 1 :]) for i in range(3)], dtype=torch.float64)
    whole = (table[0] * others).diag() - (table[0][:, None] * table[0]).fill_diagonal_(0)
    assert torch.allclose(roots[0] @ roots[0].T, whole[:-1, :-1], rtol=1e-12, atol=0)


def test_which_class_is_left_out_does_not_matter() -> None:
    points, probs = world(50, 4, 4, seed=3)
    assert probs is not None
    orders = ([0, 1, 2, 3], [3, 1, 0, 2], [1, 0, 3, 2])
    picks = [fisher(points, k=8, probs=probs[:, order], labelled=[2]).tolist() for order in orders]
    assert picks[0] == picks[1] == picks[2]


def test_two_even_classes_are_regression_with_twice_the_prior() -> None:
    """At ``p = 1/2`` every row has ``I(x) = h h^T / 4``, twice over: a logistic layer that no answer changes."""
    points, _ = world(40, 5, 0, seed=4)
    even = torch.full((40, 2), 0.5)
    for known in ([], [1, 2, 3]):
        of_classes = fisher(points, k=7, labelled=known, probs=even, regularisation=1.5)
        assert of_classes.tolist() == fisher(points, k=7, labelled=known, regularisation=3.0).tolist()


def test_more_than_two_even_classes_pick_as_regression_does() -> None:
    """The information is then ``h h^T`` in each of ``c - 1`` directions, all alike."""
    points, _ = world(40, 5, 0, seed=6)
    even = torch.full((40, 4), 0.25)
    assert fisher(points, k=7, probs=even).tolist() == fisher(points, k=7, regularisation=4.0).tolist()


@pytest.mark.parametrize("c", [0, 3])
def test_takes_out_what_is_missed_least(c: int) -> None:
    """Of nine put in, no other one taken out would have left less; and twice as many put in is better on average."""
    better = []
    for seed in range(12):
        points, probs = world(40, 6, c, seed=seed)
        dense = Dense(points, probs, k=8)
        put_in = dense.picks(9, range(40), oversample=1)
        forward, eight, half = (fisher(points, k=8, probs=probs, oversample=times) for times in (1, 9 / 8, 2))
        assert forward.tolist() == put_in[:8]
        least = min(dense.trace([y for y in put_in if y != x]) for x in put_in)
        assert dense.trace(eight.tolist()) == pytest.approx(least, rel=1e-9)
        better.append(dense.trace(forward.tolist()) / dense.trace(half.tolist()) - 1)
    assert sum(better) / len(better) > 0


@pytest.mark.parametrize("c", [0, 4])
def test_finds_better_batches_than_chance_and_than_uncertainty(c: int) -> None:
    """The paper's objective: below 200 random batches, the most unsure rows, the longest ones, and both at once."""
    for seed in range(3):
        points, probs = world(200, 8, c, seed=seed)
        known = list(range(10))
        dense = Dense(points, probs, k=10, known=known)
        mine = dense.trace(fisher(points, k=10, labelled=known, probs=probs).tolist())
        rng = generator(seed, "chance")
        free = torch.arange(10, 200)
        chance = [dense.trace(free[torch.randperm(190, generator=rng)[:10]].tolist()) for _ in range(200)]
        doubt = torch.ones(200) if probs is None else torch.special.entr(probs).sum(1)
        length = points.norm(dim=1)
        for score in (doubt, length, doubt * length):
            assert mine < dense.trace((score[10:].topk(10).indices + 10).tolist())
        assert mine < 0.9 * min(chance)


def test_a_layer_fitted_to_its_labels_errs_less() -> None:
    """What the trace bounds: the mean squared error over the pool of ridge regression on the batch, noise and all."""
    points, _ = world(300, 12, 0, seed=8)
    x = points.double()
    rng = generator(8, "labels")
    truth = torch.randn(12, 400, generator=rng, dtype=torch.float64)
    labels = x @ truth + torch.randn(300, 400, generator=rng, dtype=torch.float64)

    def error(batch: Tensor) -> float:
        seen = x[batch]
        fitted = torch.linalg.solve(seen.T @ seen + torch.eye(12, dtype=torch.float64), seen.T @ labels[batch])
        return float((x @ (fitted - truth)).square().mean())

    chance = [error(torch.randperm(300, generator=rng)[:20]) for _ in range(200)]
    assert error(fisher(points, k=20)) < min(chance)


def test_sure_rows_and_zero_vectors_come_last() -> None:
    points, probs = world(30, 4, 3, seed=9)
    assert probs is not None
    points[:10] = 0
    probs[10:20] = torch.tensor([0.0, 1.0, 0.0])
    answers = [fisher(points, k=12, probs=probs, rng=generator(seed)).tolist() for seed in range(3)]
    assert all(set(picked) > set(range(20, 30)) for picked in answers)
    assert len({tuple(picked) for picked in answers}) > 1  # among those that tell nothing the seed chooses
    assert fisher_shares(points, k=12, probs=probs)[1].min() == 0


@pytest.mark.parametrize("probs", [None, torch.full((24, 3), 1 / 3), torch.eye(3)[[1] * 24], torch.ones(24, 1)])
def test_nothing_to_choose_by(probs: Tensor | None) -> None:
    points = torch.ones(24, 3)
    answers = [fisher(points, k=12, labelled=[0, 5], probs=probs, rng=generator(seed)).tolist() for seed in range(5)]
    assert all(len(set(picked) - {0, 5}) == 12 for picked in answers)
    assert len({tuple(sorted(picked)) for picked in answers}) > 1


def test_copies_count_as_what_they_are() -> None:
    """Every row three times over: all can be asked, the seed decides which copy, and a second copy tells less."""
    points, probs = world(8, 4, 3, seed=10)
    assert probs is not None
    thrice, chances = points.repeat(3, 1), probs.repeat(3, 1)
    assert sorted(fisher(thrice, k=24, probs=chances).tolist()) == list(range(24))
    assert sorted(fisher(thrice, k=3, labelled=range(21), probs=chances).tolist()) == [21, 22, 23]
    firsts = [fisher(thrice, k=1, probs=chances, rng=generator(seed)).item() for seed in range(12)]
    assert len({int(pos) % 8 for pos in firsts}) == 1 < len(set(firsts))
    assert len({pos % 8 for pos in fisher(thrice, k=4, probs=chances).tolist()}) > 2


def test_reads_any_table_of_numbers() -> None:
    points, probs = world(40, 4, 3, seed=11)
    assert probs is not None
    whole = (4 * points).round()
    picked = fisher(whole, k=5, probs=probs).tolist()
    for kind in (torch.int8, torch.float16, torch.float64):
        assert fisher(whole.to(kind), k=5, probs=probs.double().numpy()).tolist() == picked


def test_keeps_to_its_memory() -> None:
    points, probs = world(400, 16, 8, seed=12)
    with memory_limit(None) as account:
        picked = fisher(points, k=5, probs=probs)
    enough = account.held / 2**20 + 0.5
    assert fisher(points, k=5, probs=probs, memory_mb=enough).tolist() == picked.tolist()
    with pytest.raises(MemoryTooSmall, match="fewer dimensions"):
        fisher(points, k=5, probs=probs, memory_mb=account.held / 2**20)
    with pytest.raises(MemoryTooSmall, match="principal components"):  # of 200,000 parameters: no machine holds that
        fisher(torch.ones(10, 1024), k=1, probs=torch.full((10, 200), 1 / 200))


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"regularisation": 0.0}, UsageError, "regularisation"),
        ({"oversample": 0.5}, UsageError, "1 or more"),
        ({"probs": torch.full((5, 2), 0.5)}, DataError, "5 rows of probabilities"),
        ({"probs": torch.tensor([[0.5, 0.5]] * 9 + [[0.5, 0.6]])}, DataError, "position 9"),
        ({"probs": torch.tensor([[0.5, 0.5]] * 9 + [[1.5, -0.5]])}, DataError, "position 9"),
        ({"probs": torch.tensor([[0.5, 0.5]] * 9 + [[math.nan, 0.5]])}, NonFinite, "row 9"),
    ],
)
def test_refuses_bad_input(options: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        fisher(torch.ones(10, 2), k=2, **options)


def test_refuses_factors() -> None:
    with pytest.raises(DataError, match="what the last layer sees"):
        fisher(FactoredPoints(left=torch.ones(4, 2), right=torch.ones(4, 3)), k=1)
