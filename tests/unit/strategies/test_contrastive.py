"""CAL: rows that are answered unlike their labelled neighbours."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import rel_entr
from sklearn.neighbors import NearestNeighbors

from querist.core.errors import NonFinite, UsageError
from querist.core.rng import generator
from querist.strategies import Contrastive  # type: ignore[attr-defined]
from querist.views import Contrast, Embeddings, Probs, Snapshot


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
    probs, z = snapshot[Probs()].double(), snapshot[Embeddings()].double()
    exact = Snapshot.from_arrays(probs=probs, embeddings=z, labelled=range(60))
    unit = (z / z.norm(dim=1, keepdim=True)).numpy()
    near = NearestNeighbors(n_neighbors=min(neighbours, 60)).fit(unit[:60]).kneighbors(unit, return_distance=False)
    expected = rel_entr(probs.numpy()[near], probs.numpy()[:, None]).sum(-1).mean(-1)
    np.testing.assert_allclose(exact[Contrast(neighbours=neighbours)].numpy(), expected, atol=1e-9)


def test_lengths_of_embeddings_do_not_matter() -> None:
    snapshot, _ = pool()
    probs, z = snapshot[Probs()], snapshot[Embeddings()]
    stretched = Snapshot.from_arrays(
        probs=probs, embeddings=z * torch.linspace(0.5, 9, len(z))[:, None], labelled=snapshot.at.labelled
    )
    assert Contrastive()(stretched, k=20).tolist() == Contrastive()(snapshot, k=20).tolist()


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = pool()[0][Contrast()]
    monkeypatch.setattr("querist.views.contrast.TILE", 1 << 10)
    torch.testing.assert_close(pool()[0][Contrast()], whole)


@pytest.mark.parametrize("row", [3, 70])
def test_a_row_that_is_not_finite_is_named_whether_labelled_or_not(row: int) -> None:
    snapshot, _ = pool()
    z = snapshot[Embeddings()].clone()
    z[row, 1] = torch.nan
    broken = Snapshot(at=snapshot.at, answers={Probs(): snapshot[Probs()], Embeddings(): z})
    with pytest.raises(NonFinite, match=f"row {row} "):
        Contrastive()(broken, k=2)


def test_it_needs_a_neighbour() -> None:
    with pytest.raises(UsageError, match="0 neighbours"):
        Contrastive(neighbours=0)
