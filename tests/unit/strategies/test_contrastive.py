"""CAL: rows that are answered unlike their labelled neighbours."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import rel_entr
from sklearn.neighbors import NearestNeighbors

from querist.core.errors import UsageError
from querist.core.rng import generator
from querist.strategies import Contrastive  # type: ignore[attr-defined]
from querist.views import Snapshot


def pool(*, n: int = 400, m: int = 120, planted: int = 12, seed: int = 0) -> tuple[Snapshot, set[int]]:
    """Three clumps of three classes, and a few rows that the model answers with the class of another clump."""
    rng = generator(seed, "contrast")
    clump = torch.randint(3, (n,), generator=rng)
    z = 4 * torch.eye(3)[clump] + 0.3 * torch.randn(n, 3, generator=rng)
    answer = clump.clone()
    odd = m + torch.randperm(n - m, generator=rng)[:planted]
    answer[odd] = (clump[odd] + 1) % 3
    logits = 3 * torch.nn.functional.one_hot(answer, 3) + 0.5 * torch.randn(n, 3, generator=rng)
    return Snapshot.from_arrays(logits=logits, embeddings=z, labelled=range(m)), set(odd.tolist())


@pytest.mark.parametrize("seed", range(4))
def test_it_finds_rows_that_are_answered_unlike_their_neighbours(seed: int) -> None:
    snapshot, odd = pool(seed=seed)
    assert set(Contrastive()(snapshot, k=len(odd)).tolist()) == odd


@pytest.mark.parametrize("neighbours", [1, 5, 10, 500])
def test_scores_are_those_of_the_formula_in_other_libraries(neighbours: int) -> None:
    """scikit-activeml's formula (mean over neighbours of rel_entr), on unit vectors as in the authors' program."""
    snapshot, _ = pool(n=200, m=60)
    probs, z = (view.double() for view in (snapshot[Contrastive().needs()[0]], snapshot[Contrastive().needs()[1]]))
    unit = (z / z.norm(dim=1, keepdim=True)).numpy()
    near = NearestNeighbors(n_neighbors=min(neighbours, 60)).fit(unit[:60]).kneighbors(unit, return_distance=False)
    expected = rel_entr(probs.numpy()[near], probs.numpy()[:, None]).sum(-1).mean(-1)
    mine = Contrastive(neighbours=neighbours).row_scores(probs, z, at=snapshot.at)
    np.testing.assert_allclose(mine.numpy(), expected, atol=1e-9)


def test_lengths_of_embeddings_do_not_matter() -> None:
    snapshot, _ = pool()
    probs, z = (snapshot[view] for view in Contrastive().needs())
    stretched = Snapshot.from_arrays(
        probs=probs, embeddings=z * torch.linspace(0.5, 9, len(z))[:, None], labelled=snapshot.at.labelled
    )
    assert Contrastive()(stretched, k=20).tolist() == Contrastive()(snapshot, k=20).tolist()


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot, _ = pool()
    probs, z = (snapshot[view] for view in Contrastive().needs())
    whole = Contrastive().row_scores(probs, z, at=snapshot.at)
    monkeypatch.setattr("querist.strategies.hybrid.contrastive.TILE", 1 << 10)
    torch.testing.assert_close(Contrastive().row_scores(probs, z, at=snapshot.at), whole)


def test_it_needs_a_neighbour() -> None:
    with pytest.raises(UsageError, match="0 neighbours"):
        Contrastive(neighbours=0)
