"""The contract must catch what it is there for: each broken subject fails, at the check that is meant to see it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from querist.core.rng import generator
from querist.selectors.base import free_positions, refuse_impossible, shuffled
from querist.selectors.top_k import top_k
from querist.strategies.base import Strategy
from querist.strategies.density.core_set import CoreSet
from querist.strategies.hybrid.badge import Badge
from querist.strategies.uncertainty.entropy import Entropy
from querist.strategies.uncertainty.random import Random
from querist.testing import CheckFailed, check_score, check_selector, check_strategy
from querist.testing.checks import checks_for, run_check
from querist.views import Embeddings, Probs


@dataclass(frozen=True, kw_only=True)
class SortedTheWrongWay(Entropy):
    def score(self, probs):
        return -super().score(probs)


@dataclass(frozen=True, kw_only=True)
class ForgetsCandidates(Entropy):
    def pick_with_reasons(self, probs, *, at, k, rng):
        return torch.argsort(self.row_scores(probs, at=at), descending=True)[:k], ["x"] * k


@dataclass(frozen=True, kw_only=True)
class PicksTwice(CoreSet):
    def pick_with_reasons(self, z, *, at, k, rng):
        return at.candidates[torch.zeros(k, dtype=torch.long)], ["x"] * k


@dataclass(frozen=True, kw_only=True)
class DrawsFromTorch(Random):
    def pick(self, *views, at, k, rng):
        return at.candidates[torch.randperm(len(at.candidates))][:k]


@dataclass(frozen=True, kw_only=True)
class DrawsFromNumpy(Random):
    def pick(self, *views, at, k, rng):
        np.random.rand()  # noqa: NPY002
        return super().pick(at=at, k=k, rng=rng)


@dataclass(frozen=True, kw_only=True)
class DrawsFromPython(Random):
    def pick(self, *views, at, k, rng):
        random.random()
        return super().pick(at=at, k=k, rng=rng)


@dataclass(frozen=True, kw_only=True)
class PeeksAtOrder(Entropy):
    def row_scores(self, probs, *, at):
        return super().row_scores(probs, at=at) - torch.arange(at.n)


@dataclass(frozen=True, kw_only=True)
class BreaksTiesByPlace(Strategy):
    """Scores rows well, and is caught by nothing but its word that the seed decides."""

    family: ClassVar = "uncertainty"
    deterministic: ClassVar = False

    def needs(self):
        return (Probs(),)

    def pick(self, probs, *, at, k, rng):
        return top_k(-probs.amax(-1), k=k, candidates=at.candidates, rng=rng)


@dataclass(frozen=True, kw_only=True)
class WritesIntoViews(Entropy):
    def row_scores(self, probs, *, at):
        return super().row_scores(probs.clamp_(min=0.1), at=at)


@dataclass(frozen=True, kw_only=True)
class SquareTable(CoreSet):
    def pick_with_reasons(self, z, *, at, k, rng):
        torch.cdist(z, z).amin(1)
        return super().pick_with_reasons(z, at=at, k=k, rng=rng)


@dataclass(frozen=True, kw_only=True)
class SquareArray(CoreSet):
    def pick_with_reasons(self, z, *, at, k, rng):
        np.linalg.norm(z.numpy()[:, None, 0] - z.numpy()[None, :, 0])
        return super().pick_with_reasons(z, at=at, k=k, rng=rng)


@dataclass(frozen=True, kw_only=True)
class NeverSeesNan(Entropy):
    def choose(self, snapshot, *, k, seed=0):
        snapshot.refuse_non_finite = lambda view: None
        return super().choose(snapshot, k=k, seed=seed)


@dataclass(frozen=True, kw_only=True)
class DividesByTheSpread(Entropy):
    """NaN for a pool of identical rows; the sort still gives distinct rows, so the reasons must show it."""

    def row_scores(self, probs, *, at):
        scores = super().row_scores(probs, at=at)
        return scores / (scores.max() - scores.min()) * torch.where(scores == scores.max(), torch.nan, 1.0)


@dataclass(frozen=True, kw_only=True)
class NeedsLabelsSecretly(CoreSet):
    def pick_with_reasons(self, z, *, at, k, rng):
        z[at.labelled].amax(0)
        return super().pick_with_reasons(z, at=at, k=k, rng=rng)


@dataclass(frozen=True, kw_only=True)
class ScoresByRank(Entropy):
    """The same order as entropy, from scores that depend on which rows stand beside a row."""

    def row_scores(self, probs, *, at):
        return super().row_scores(probs, at=at).argsort().argsort().float()


@dataclass(frozen=True, kw_only=True)
class ComputesInHalf(CoreSet):
    def pick_with_reasons(self, z, *, at, k, rng):
        return super().pick_with_reasons(1e6 * z, at=at, k=k, rng=rng)


@dataclass(frozen=True, kw_only=True)
class Changeable:
    family: ClassVar = "uncertainty"
    tasks: ClassVar = ("classification",)
    rows: ClassVar = ()
    known_gaps: ClassVar = {}
    options: list = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class NoReasons(CoreSet):
    def pick_with_reasons(self, z, *, at, k, rng):
        return super().pick_with_reasons(z, at=at, k=k, rng=rng)[0], []


@dataclass(frozen=True, kw_only=True)
class NeverSaysNo(Entropy):
    """Rows by entropy.

    Formula:
        ``-sum_c p_c log p_c``

    Use it when:
        you like, it is always right.
    """


FAULTS = [
    (NeverSaysNo, "says_when"),
    (SortedTheWrongWay, "meaning"),
    (ForgetsCandidates, "picks_distinct_candidates"),
    (PicksTwice, "picks_distinct_candidates"),
    (DrawsFromTorch, "leaves_global_generators"),
    (DrawsFromTorch, "seed_decides"),
    (DrawsFromNumpy, "leaves_global_generators"),
    (DrawsFromPython, "leaves_global_generators"),
    (PeeksAtOrder, "ignores_pool_order"),
    (BreaksTiesByPlace, "seed_decides"),
    (WritesIntoViews, "changes_nothing"),
    (SquareTable, "large_pool"),
    (SquareArray, "large_pool"),
    (NeverSeesNan, "names_row_with_nan"),
    (DividesByTheSpread, "gives_reasons"),
    (NeedsLabelsSecretly, "no_labels"),
    (ScoresByRank, "scores_are_maps"),
    (ComputesInHalf, "takes_half_precision"),
    (Changeable, "declares_itself"),
    (NoReasons, "gives_reasons"),
]


@pytest.mark.parametrize(("cls", "check"), FAULTS, ids=lambda value: getattr(value, "__name__", value))
def test_contract_catches(cls: type, check: str) -> None:
    with pytest.raises(CheckFailed, match=check):
        run_check(checks_for("strategy")[check], cls, name=check)


def test_wrong_formula_is_caught_by_the_twin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Entropy, "score", lambda self, probs: -(probs**2).sum(-1))
    run_check(checks_for("strategy")["meaning"], Entropy, name="meaning")  # a good score, and not the entropy
    with pytest.raises(CheckFailed, match="away from its twin"):
        run_check(checks_for("strategy")["equals_twin"], Entropy, name="equals_twin")


def test_wrong_law_is_caught_by_the_twin(monkeypatch: pytest.MonkeyPatch) -> None:
    def by_distance_not_squared(self, gradients, *, at, k, rng):
        lengths = gradients.squared_norms
        first = at.candidates[lengths[at.candidates].argmax()][None]
        apart = (gradients.dense() - gradients.dense()[first]).norm(dim=-1)[at.candidates]
        return torch.cat([first, at.candidates[torch.multinomial(apart, k - 1, generator=rng)]])

    monkeypatch.setattr(Badge, "pick", by_distance_not_squared)
    with pytest.raises(CheckFailed, match="do not follow the law"):
        run_check(checks_for("strategy")["equals_twin"], Badge, name="equals_twin")


def test_gap_that_is_none_fails() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Modest(Entropy):
        rows: ClassVar = ()
        known_gaps: ClassVar = {"seed_decides": "I am not sure"}

    with pytest.raises(CheckFailed, match="remove the declaration"):
        run_check(checks_for("strategy")["seed_decides"], Modest, name="seed_decides", known_gaps=Modest.known_gaps)


def test_gap_that_is_real_is_let_pass() -> None:
    run_check(checks_for("strategy")["meaning"], Random, name="meaning", known_gaps=Random.known_gaps)


def _greedy(points: Any, *, k: int, labelled: Any, candidates: Any, rng: Any, mask: bool, far: bool) -> torch.Tensor:
    """A k-center with two faults to switch on."""
    points = torch.as_tensor(points)
    rng = generator(0) if rng is None else rng
    free = shuffled(free_positions(len(points), labelled, candidates), rng)
    refuse_impossible(k, len(free))
    taken = [int(pos) for pos in (labelled if labelled is not None else free[:1])]
    picked = [] if labelled is not None else taken[:1]
    while len(picked) < k:
        nearest = torch.cdist(points[free], points[taken]).amin(1)
        if mask:
            nearest[torch.isin(free, torch.tensor(taken))] = -torch.inf if far else torch.inf
        best = int(free[nearest.argmax() if far else nearest.argmin()])
        picked.append(best)
        taken.append(best)
    return torch.tensor(picked)


def without_mask(points, *, k, labelled=None, candidates=None, rng=None):
    return _greedy(points, k=k, labelled=labelled, candidates=candidates, rng=rng, mask=False, far=True)


def nearest_first(points, *, k, labelled=None, candidates=None, rng=None):
    return _greedy(points, k=k, labelled=labelled, candidates=candidates, rng=rng, mask=True, far=False)


def test_deleted_mask_is_caught_by_identical_points() -> None:
    run_check(checks_for("selector")["picks_distinct_candidates"], without_mask, name="picks_distinct_candidates")
    with pytest.raises(CheckFailed, match="identical_points"):
        run_check(checks_for("selector")["identical_points"], without_mask, name="identical_points")


def test_nearest_first_is_caught() -> None:
    with pytest.raises(CheckFailed, match="duplicates"):
        check_selector(nearest_first)


def test_score_with_the_wrong_sign_is_caught() -> None:
    def confidence(probs):
        return probs.amax(-1)

    with pytest.raises(CheckFailed, match="higher_means_ask_first"):
        check_score(confidence)


def test_score_with_a_logarithm_of_zero_is_caught() -> None:
    def plain_entropy(probs):
        return -(probs * probs.log()).sum(-1)

    with pytest.raises(CheckFailed, match="finite_at_the_edges"):
        check_score(plain_entropy)


def test_honest_outsider_passes() -> None:
    @dataclass(frozen=True, kw_only=True)
    class FarFromTheMean(Strategy):
        """The rows farthest from the mean of the pool."""

        family: ClassVar = "density"

        def needs(self):
            return (Embeddings(),)

        def pick(self, z, *, at, k, rng):
            return top_k((z - z.mean(0)).norm(dim=-1), k=k, candidates=at.candidates, rng=rng)

    check_strategy(FarFromTheMean)
