"""DCoM: balls as wide as guesses agree, and a mix that goes from coverage to doubt as they hold more."""

from __future__ import annotations

import pytest
import torch

from querist.core.errors import UsageError, ViewMissing
from querist.core.rng import generator
from querist.selectors.competence import held, pure_radii
from querist.selectors.points import Distances, as_points
from querist.strategies import Dcom, Margin, ProbCover, Random  # type: ignore[attr-defined]
from querist.views import Snapshot


def world(seed: int, *, classes: int = 6, n: int = 500, spread: float = 0.1) -> tuple[torch.Tensor, torch.Tensor]:
    """Directions around one centre a class, and the class of each row."""
    rng = generator(seed, "world")
    own = torch.multinomial(torch.linspace(2, 0.5, classes), n, replacement=True, generator=rng)
    centres = torch.nn.functional.normalize(torch.randn(classes, 12, generator=rng))
    return torch.nn.functional.normalize(centres[own] + spread * torch.randn(n, 12, generator=rng)), own


def snapshot_of(z: torch.Tensor, own: torch.Tensor, known: list[int], *, seed: int = 0) -> Snapshot:
    """A model that guesses right and is now and then in doubt."""
    sure = 1 + 4 * torch.rand(len(own), generator=generator(seed, "sure"))
    probs = (sure[:, None] * torch.nn.functional.one_hot(own, int(own.max()) + 1)).softmax(-1)
    labels = torch.full_like(own, -1)
    labels[known] = own[known]
    return Snapshot.from_arrays(embeddings=z, probs=probs, labels=labels)


def test_a_ball_grows_until_its_guesses_disagree() -> None:
    line = torch.tensor([[0.0], [0.1], [0.2], [0.3], [0.4], [0.5]])
    apart, every = Distances(as_points(line)), torch.arange(6)
    guesses = torch.tensor([0, 0, 0, 1, 1, 1])
    fine = {"centres": every[:1], "labels": torch.tensor([0]), "rows": every, "largest": 0.64, "resolution": 0.01}
    pure = pure_radii(apart, guesses, purity=1.0, **fine)
    assert float(pure) == pytest.approx(0.3, abs=0.01)  # row 3 is the first of another guess
    half = pure_radii(apart, guesses, purity=0.7, **fine)
    assert float(half) == pytest.approx(0.4, abs=0.01)  # 3 of 4 agree, 3 of 5 are too few
    assert float(pure_radii(apart, guesses * 0, purity=1.0, **fine)) == pytest.approx(0.635)
    wrong = {**fine, "labels": torch.tensor([1])}  # the model does not even guess the labelled row right
    assert float(pure_radii(apart, guesses, purity=0.6, **wrong)) == pytest.approx(0.005)
    with pytest.raises(UsageError, match="above 0"):
        pure_radii(apart, guesses, purity=1.0, **{**fine, "resolution": 0.0})


@pytest.mark.parametrize("seed", range(5))
def test_many_balls_are_found_as_one_by_one(seed: int) -> None:
    """More centres than are looked at side by side, in tiles of a few rows."""
    rng = generator(seed)
    z, guesses = torch.randn(700, 3, generator=rng), torch.randint(3, (700,), generator=rng)
    centres, rows = torch.arange(300), torch.arange(700)[100:]
    labels = torch.randint(3, (300,), generator=rng)
    tiled = Distances(as_points(z), tile=1 << 10)
    radii = pure_radii(tiled, guesses, centres=centres, labels=labels, rows=rows, purity=0.5)
    whole = torch.cdist(z.double(), z.double())
    for centre in (0, 120, 299):
        low, high = 0.0, 1.1
        while high - low > 0.05:
            middle = (low + high) / 2
            ball = guesses[rows[whole[centre, rows] <= middle]]
            low, high = (middle, high) if float((ball == labels[centre]).sum()) >= 0.5 * len(ball) else (low, middle)
        assert float(radii[centre]) == pytest.approx((low + high) / 2, abs=1e-5)
    inside = held(tiled, centres=centres, radii=radii, rows=rows)
    assert inside.tolist() == (whole[rows][:, centres] <= radii).any(1).tolist()


def test_competence_is_the_logistic_of_the_paper() -> None:
    law = Dcom(centre=0.9, steepness=30.0).competence
    for share in (0.0, 0.5, 0.9, 1.0):
        expected = (1 + torch.tensor(-30 * 0.1).exp()) / (1 + torch.tensor(-30 * (share - 0.9)).exp())
        assert law(share) == pytest.approx(float(expected), rel=1e-5)
    assert law(1.0) == 1.0
    assert Dcom(steepness=1e6).competence(0.0) == 0.0  # no overflow


def test_starts_as_prob_cover_and_ends_as_margin() -> None:
    z, own = world(1)
    bare = Snapshot.from_arrays(embeddings=z)
    assert Dcom()(bare, k=9, seed=2).tolist() == ProbCover()(bare, k=9, seed=2).tolist()
    sure = snapshot_of(z, own, list(range(60)))
    late = Dcom(centre=-10.0, steepness=100.0)  # competent whatever is held
    assert late(sure, k=20).tolist() == Margin()(sure, k=20).tolist()
    early = Dcom(centre=10.0, steepness=100.0, largest=0.1).choose(sure, k=20)
    assert early.rows.tolist() != Margin()(sure, k=20).tolist()
    assert all(float(reason.rpartition(" ")[2]) < 1e-6 for reason in early.reasons)


def test_covers_while_labels_are_few_and_doubts_when_they_are_many() -> None:
    """The weight of doubt that is said rises with labels, and the doubt of what is asked with it."""
    asked, weights = [], []
    for known in (4, 40, 300):
        mine = 0.0
        for seed in range(5):
            z, own = world(seed, classes=16)
            snapshot = snapshot_of(z, own, list(range(known)), seed=seed)
            picks = Dcom().choose(snapshot, k=10, seed=seed)
            scores = Margin().row_scores(snapshot[Margin().needs()[0]], at=snapshot.at)
            # Where it stands among the candidates, 0 to 1.
            free = scores[snapshot.at.candidates]
            mine += float((free[None] < scores[picks.positions][:, None]).double().mean()) / 5
        asked.append(mine)
        weights.append(float(picks.reasons[0].rpartition(" ")[2]))
    assert weights[0] < 0.01 < 0.9 < weights[2]
    assert weights == sorted(weights)
    assert asked[0] < 0.75 < 0.95 < asked[2]


def test_first_labels_teach_more_than_random_ones() -> None:
    """A nearest-neighbour classifier after two labels and ten more, mean of five pools."""

    def accuracy(rows: torch.Tensor, z: torch.Tensor, own: torch.Tensor) -> float:
        return float((own[rows][(z @ z[rows].T).argmax(1)] == own).double().mean())

    mine = chance = 0.0
    for seed in range(5):
        z, own = world(seed, classes=10)
        snapshot = snapshot_of(z, own, [0, 1], seed=seed)
        first = torch.tensor([0, 1])
        mine += accuracy(torch.cat([first, torch.from_numpy(Dcom()(snapshot, k=10, seed=seed))]), z, own) / 5
        chance += (
            sum(
                accuracy(torch.cat([first, torch.from_numpy(Random()(snapshot, k=10, seed=s))]), z, own)
                for s in range(10)
            )
            / 50
        )
    assert mine > chance + 0.08


def test_edges() -> None:
    z, own = world(3, n=40)
    same = Snapshot.from_arrays(embeddings=torch.ones(20, 3), probs=torch.full((20, 2), 0.5), labels=[0, 1] + [-1] * 18)
    assert len(set(Dcom()(same, k=18).tolist())) == 18
    many = snapshot_of(z, own, list(range(30)))
    assert sorted(Dcom()(many, k=10).tolist()) == list(range(30, 40))
    assert len(set(Dcom(sample=1)(snapshot_of(*world(4), [0, 1, 2]), k=12).tolist())) == 12
    with pytest.raises(ViewMissing, match="Labels"):
        Dcom()(Snapshot.from_arrays(embeddings=z, probs=many[Margin().needs()[0]], labelled=[0]), k=1)
    for wrong in ({"steepness": 0.0}, {"least_purity": -0.1}, {"least_purity": 0.9}):
        with pytest.raises(UsageError, match="steepness"):
            Dcom(**wrong)
    with pytest.raises(UsageError, match="above 0"):
        Dcom(largest=0.0)(many, k=1)
