"""Picks and objectives beside other packages, where those are right. Run by ``make test-peers``.

Sizes are small, so that every peer answers in seconds; ties are absent by construction.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks.selection import quality
from benchmarks.selection.case import Case
from benchmarks.selection.ours import NotYet
from benchmarks.selection.participants import participant, participants
from benchmarks.selection.work import Work, gradients, residuals

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]
KINDS = ("mixture", "isotropic")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("inputs")


def work(cache: Path, method: str, kind: str, **sizes: int) -> Work:
    settings = {"rows": 600, "dim": 16, "k": 12} | sizes
    return Work(Case(method=method, kind=kind, **settings), cache)


def picks(work: Work, name: str) -> np.ndarray:
    one = participant(work.case.method, name)
    assert one.absent(work.checkouts) == ""
    try:
        select = one.prepare(work)
    except NotYet as missing:
        pytest.xfail(str(missing))
    return np.asarray(select()).reshape(-1).astype(int)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name", ["bmdal_reg maxdist", "scikit-activeml CoreSet", "DISTIL CoreSet", "small-text greedy_coreset"]
)
def test_k_center_picks_the_same(name: str, kind: str, cache: Path) -> None:
    given = work(cache, "k_center", kind)
    assert picks(given, name).tolist() == picks(given, "Querist").tolist()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["batchbald_redux, double", "scikit-activeml batch_bald"])
def test_batch_bald_is_the_exact_greedy_batch(name: str, kind: str, cache: Path) -> None:
    """Three classes and five picks: 3^4 outcomes before the last, so both are exact."""
    given = work(cache, "batch_bald", kind, rows=200, dim=32, samples=12, classes=3, k=5)
    ours, theirs = picks(given, "Querist"), picks(given, name)
    assert theirs.tolist() == ours.tolist()
    told = quality.joint_information(given, ours)["joint information"]
    # As that package measures it too.
    from batchbald_redux.batchbald import get_batchbald_batch

    logs = torch.from_numpy(given.prob_samples).double().log()
    assert get_batchbald_batch(logs, 5, 10_000, dtype=torch.float64).scores[-1] == pytest.approx(told, abs=1e-4)


def test_baal_is_no_yardstick_for_batch_bald(cache: Path) -> None:
    """If this fails, baal was mended: take its mark away."""
    given = work(cache, "batch_bald", "mixture", rows=200, dim=32, samples=12, classes=3, k=4)
    assert participant("batch_bald", "baal BatchBALD").wrong
    assert picks(given, "baal BatchBALD").tolist() != picks(given, "Querist").tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_bald_picks_the_same(kind: str, cache: Path) -> None:
    given = work(cache, "bald", kind, dim=32, samples=10, classes=4)
    for name in ("batchbald_redux", "baal BALD"):
        assert set(picks(given, name)) == set(picks(given, "Querist")), name


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("method", "name"), [("lcmd", "bmdal_reg lcmd"), ("max_det", "bmdal_reg maxdet")])
def test_greedy_on_features_picks_the_same(method: str, name: str, kind: str, cache: Path) -> None:
    given = work(cache, method, kind)
    # Lengths that differ, of mean square 1: unit vectors would all be tied for the first pick.
    given.directions = given.points / np.sqrt(np.square(given.points).sum(1).mean())
    assert picks(given, name).tolist() == picks(given, "Querist").tolist()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("facility_location", "apricot"),
        ("facility_location", "submodlib, kernel given"),
        ("graph_cut", "apricot"),
        ("graph_cut", "submodlib, kernel given"),
    ],
)
def test_set_functions_reach_the_same_value(method: str, name: str, kind: str, cache: Path) -> None:
    given = work(cache, method, kind)
    measure = quality.QUALITIES[method]
    ours, theirs = (measure(given, picks(given, who))["value"] for who in ("Querist", name))
    assert ours == pytest.approx(theirs, rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("method", "name", "least"),
    [
        ("prob_cover", "scikit-activeml ProbCover", 0.98),
        ("max_herding", "scikit-activeml MaxHerding", 0.999),
        ("acs_fw", "bmdal_reg fw", None),
    ],
)
def test_other_objectives_are_as_good(method: str, name: str, least: float | None, kind: str, cache: Path) -> None:
    """Ties of whole numbers (covered points) are broken by chance, so the values may differ a little."""
    given = work(cache, method, kind)
    ours, theirs = (
        next(iter(quality.QUALITIES[method](given, picks(given, who)).values())) for who in ("Querist", name)
    )
    if least is None:
        assert ours <= theirs * 1.05 + 1e-3  # a residual: smaller is better
    else:
        assert ours >= least * theirs


def test_typical_points_are_as_typical_as_theirs(cache: Path) -> None:
    """The clusters are random, so how dense it is around the picks is compared, and how many clusters they meet."""
    given = work(cache, "typi_clust", "mixture", rows=3_000)
    ours, theirs = (quality.typicality(given, picks(given, who)) for who in ("Querist", "scikit-activeml TypiClust"))
    assert ours["neighbours at"] <= 1.25 * theirs["neighbours at"]
    assert ours["clusters met"] >= theirs["clusters met"] - 6


def test_gradients_are_as_far_apart_as_written_out(cache: Path) -> None:
    """Factored squared distances against those between gradients that are written out, by scikit-learn."""
    from sklearn.metrics import pairwise_distances

    from querist.selectors import FactoredPoints
    from querist.selectors.points import Distances

    given = work(cache, "badge", "mixture", classes=4)
    left, right = torch.from_numpy(residuals(given.probs)), torch.from_numpy(given.points)
    ours = Distances(FactoredPoints(left=left, right=right)).between(slice(None), torch.arange(20)).sqrt()
    written = gradients(given.probs, given.points).astype(np.float64)
    np.testing.assert_allclose(ours, pairwise_distances(written, written[:20]), rtol=1e-3, atol=2e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_badge_draws_by_the_law_of_bmdal(kind: str, cache: Path) -> None:
    """The potential after the draw, over seeds: both follow the D^2 law, so their means agree within four errors."""
    from querist.core.rng import generator
    from querist.selectors import FactoredPoints, kmeans_pp

    given = work(cache, "badge", kind, classes=4)
    points = FactoredPoints(left=torch.from_numpy(residuals(given.probs)), right=torch.from_numpy(given.points))
    one = participant("badge", "bmdal_reg kmeanspp")

    def ours(seed: int) -> np.ndarray:
        return kmeans_pp(points, k=given.k, candidates=given.open, rng=generator(seed)).numpy()

    def theirs(seed: int) -> np.ndarray:
        select = one.prepare(given)
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002 (it draws from the global generators)
        return np.asarray(select())

    mine, other = (
        np.array([quality.potential_of_gradients(given, draw(seed))["potential"] for seed in range(60)])
        for draw in (ours, theirs)
    )
    error = np.hypot(mine.std(), other.std()) / np.sqrt(60)
    assert abs(mine.mean() - other.mean()) < 4 * error
    assert error < 0.05 * mine.mean()


def test_every_packaged_peer_is_here() -> None:
    methods = ("k_center", "badge", "batch_bald", "bald", "facility_location", "graph_cut", "max_det", "lcmd", "acs_fw")
    missing = {
        one.name: one.absent({})
        for method in methods
        for one in participants(method)
        if one.role == "peer" and not one.checkout and one.absent({})
    }
    assert missing == {}
