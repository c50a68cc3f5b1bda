"""What single strategies promise beyond the contract."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from querist.core.errors import PoolExhausted, QueristError, UnknownName, UsageError
from querist.core.rng import generator
from querist.selectors import kmeans
from querist.strategies import (  # type: ignore[attr-defined]
    Badge,
    Bald,
    CoreSet,
    DiverseMiniBatch,
    Entropy,
    FarthestFirst,
    InformationDensity,
    LeastConfidence,
    QueryByCommittee,
    Random,
    describe,
    registry,
)
from querist.strategies.density.farthest_first import compress
from querist.testing import toys
from querist.views import Embeddings, PredictionSamples, Probs, ProbSamples, Snapshot

ROOT = Path(__file__).resolve().parents[3]


def test_describe_has_what_the_command_prints() -> None:
    for name in registry:
        found = describe(name)
        assert list(found) == ["name", "kind", "family", "rows", "survey", "paper", "views", "tasks", "cost", "file"]
        assert (ROOT / "src" / "querist" / found["file"]).is_file()
        assert found["name"] == name
        assert all(found[word] for word in ("survey", "cost"))
        assert found["rows"] or found["paper"]
        assert found["file"].split("/")[1] == found["family"]
    with pytest.raises(UnknownName, match="did you mean 'badge'"):
        describe("bagde")


def test_no_row_of_the_literature_is_claimed_twice() -> None:
    rows = [row for name in registry for row in describe(name)["rows"]]
    assert len(rows) == len(set(rows))
    assert {"A1", "A2", "A3", "A4", "A5", "A6", "A9", "A10", "A12", "B2", "B4", "C1", "D1", "D2"} <= set(rows)


def test_cited_papers_are_in_the_list() -> None:
    """Every key in the docstrings of scores, selectors and strategies, and every ``paper``."""
    keys = set(re.findall(r"@\w+\{(\w+),", (ROOT / "docs" / "refs.bib").read_text(encoding="utf-8")))
    cited = {describe(name)["paper"] for name in registry} - {""}
    for room in ("scores", "selectors", "strategies"):
        for file in (ROOT / "src" / "querist" / room).rglob("*.py"):
            cited |= set(re.findall(r"\b[a-z]+(?:19|20)\d\d[a-z]+\b", file.read_text(encoding="utf-8")))
    assert len(cited) > 20
    assert cited <= keys, cited - keys


def test_base_refuses_what_cannot_be() -> None:
    snapshot = Snapshot.from_arrays(probs=[[0.5, 0.5], [0.9, 0.1]])
    with pytest.raises(PoolExhausted, match="at most 2"):
        Entropy()(snapshot, k=3)
    with pytest.raises(UsageError, match="no meaning for the task regression"):
        Entropy()(Snapshot.from_arrays(predictions=[1.0, 2.0]), k=1)


def test_base_does_not_let_a_broken_pick_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CoreSet, "pick_with_reasons", lambda *args, **options: (torch.tensor([0, 0]), ["", ""]))
    with pytest.raises(QueristError, match="a bug in the strategy"):
        CoreSet()(Snapshot.from_arrays(embeddings=[[0.0], [1.0]]), k=2)


def test_reasons_speak() -> None:
    snapshot = Snapshot.from_arrays(probs=[[0.31, 0.3, 0.39], [0.9, 0.05, 0.05]], embeddings=[[3.0], [5.0]])
    assert (
        LeastConfidence().choose(snapshot, k=1).reasons[0].startswith("least sure: the best guess has probability 0.39")
    )
    known = Snapshot.from_arrays(embeddings=[[0.0], [12.3]], labelled=[0])
    assert CoreSet().choose(known, k=1).reasons == ("distance 12.3 to the nearest labelled or asked row",)
    assert Random().choose(snapshot, k=1).reasons == ("drawn at random from 2 rows",)


def test_least_confidence_of_a_sequence_is_that_of_the_whole() -> None:
    """Ten tokens at 0.9 are less sure together than two at 0.7: 0.35 against 0.49."""
    probs = [[0.9, 0.1]] * 10 + [[0.7, 0.3]] * 2
    snapshot = Snapshot.from_arrays(probs=probs, offsets=[0, 10, 12])
    assert LeastConfidence()(snapshot, k=1).tolist() == [0]
    assert LeastConfidence(aggregate="mean")(snapshot, k=1).tolist() == [1]
    assert "probability 0.35" in LeastConfidence().choose(snapshot, k=1).reasons[0]


def test_committee_measures_differ() -> None:
    """Row 0: members vote apart by a hair; row 1: they vote alike, and their doubts differ."""
    samples = [[[0.51, 0.49], [0.99, 0.01]], [[0.49, 0.51], [0.55, 0.45]]]
    snapshot = Snapshot.from_arrays(prob_samples=samples)
    assert QueryByCommittee()(snapshot, k=1).tolist() == [0]
    assert QueryByCommittee(disagreement="consensus_kl")(snapshot, k=1).tolist() == [1]
    with pytest.raises(UsageError, match="vote_entropy"):
        QueryByCommittee(disagreement="votes")


def test_committee_by_consensus_ranks_as_bald() -> None:
    snapshot = toys.mixed("classification", n=60).snapshot(labelled=range(5))
    committee = QueryByCommittee(disagreement="consensus_kl")(snapshot, k=10)
    assert committee.tolist() == Bald()(snapshot, k=10).tolist()


@pytest.mark.parametrize("cls", [Bald, QueryByCommittee])
def test_regression_is_asked_another_question(cls: type) -> None:
    strategy = cls(samples=3)
    assert isinstance(strategy.needs_for("tokens")[0], ProbSamples)
    assert isinstance(strategy.needs_for("regression")[0], PredictionSamples)
    snapshot = Snapshot.from_arrays(prediction_samples=[[1.0, 1.0, 0.0], [1.1, 5.0, 0.0]])
    assert strategy(snapshot, k=1).tolist() == [1]


def test_farthest_first_walks_as_core_set_does() -> None:
    snapshot = toys.mixed("regression", n=50).snapshot(labelled=[0, 1])
    assert FarthestFirst()(snapshot, k=9).tolist() == CoreSet()(snapshot, k=9).tolist()


def test_compression_is_nested() -> None:
    points = torch.randn(80, 4, generator=generator(0))
    assert compress(points, k=20, rng=generator(1))[:7].tolist() == compress(points, k=7, rng=generator(1)).tolist()


def test_entropy_of_samples_is_that_of_their_mean() -> None:
    sure, doubtful = [[0.99, 0.01], [0.55, 0.45]], [[0.01, 0.99], [0.55, 0.45]]
    snapshot = Snapshot.from_arrays(prob_samples=[sure, doubtful])  # row 0: two sure networks that contradict
    rows = Entropy(samples=2).choose(snapshot, k=1)
    assert rows.positions.tolist() == [0]
    assert "entropy 0.693" in rows.reasons[0]
    assert Entropy(samples=2).needs() == (ProbSamples(samples=2),)
    with pytest.raises(UsageError, match="-1 samples"):
        Entropy(samples=-1)


def test_information_density_turns_entropy_away_from_outliers() -> None:
    z = [[1.0, 0.0], [1.0, 0.1], [1.0, -0.1], [-1.0, 0.0]]
    probs = [[0.6, 0.4], [0.9, 0.1], [0.9, 0.1], [0.5, 0.5]]
    snapshot = Snapshot.from_arrays(probs=probs, embeddings=z)
    assert InformationDensity(beta=0.0)(snapshot, k=1).tolist() == Entropy()(snapshot, k=1).tolist() == [3]
    assert InformationDensity()(snapshot, k=1).tolist() == [0]


def test_badge_starts_with_the_longest_gradient_unless_told() -> None:
    snapshot = toys.mixed("classification").snapshot(labelled=range(4))
    firsts = {Badge()(snapshot, k=3, seed=seed)[0] for seed in range(10)}
    uniform = {Badge(first="uniform")(snapshot, k=3, seed=seed)[0] for seed in range(10)}
    assert len(firsts) == 1 < len(uniform)


def test_diverse_mini_batch_keeps_to_its_shortlist() -> None:
    table = toys.mixed("classification", n=100)
    snapshot = table.snapshot(labelled=range(4))
    gaps = snapshot[Probs()].topk(2).values.diff(dim=-1).flatten()
    shortlist = set(gaps[4:].topk(12).indices.add(4).tolist())
    assert set(DiverseMiniBatch(beta=3)(snapshot, k=4).tolist()) <= shortlist


def test_diverse_mini_batch_without_a_model_is_plain_k_means() -> None:
    points = torch.randn(40, 3, generator=generator(2))
    picked = DiverseMiniBatch()(Snapshot.from_arrays(embeddings=points), k=5, seed=3)
    assert picked.tolist() == kmeans(points, k=5, rng=generator(3, "pick")).tolist()


def test_needs_compare_and_print() -> None:
    assert CoreSet().needs() == (Embeddings(),)
    assert repr(Bald(samples=7).needs()[0]) == "ProbSamples(of='table', samples=7, source='dropout', networks=3)"
