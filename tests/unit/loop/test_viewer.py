import numpy as np
import pytest
import torch

from querist.core.errors import ViewMissing
from querist.loop.viewer import Viewer
from querist.tasks import make_task
from querist.views import Embeddings, GradEmbeddings, Head, Labels, Logits, Predictions, Probs, ProbSamples

VIEWS = (Probs(), Embeddings(), ProbSamples(samples=3))


@pytest.fixture
def trained(pool, make_model):
    task = make_task(*pool.suggest_task())
    adapter = make_model()
    adapter.prepare(pool, task)
    rows = pool.rows()[:20]
    adapter.fit(pool, rows, pool.truth(rows), seed=0)

    def snapshot(views=VIEWS, **options):
        viewer = Viewer(pool, task, **options)
        return viewer.snapshot(
            views, adapter=adapter, candidates=pool.rows()[20:], labelled=rows, labels=[0] * 20, seed=1
        )

    return snapshot


def test_the_table_is_candidates_then_labelled(pool, trained):
    snapshot = trained()
    assert snapshot.rows[snapshot.at.candidates].tolist() == pool.rows()[20:].tolist()
    assert snapshot.rows[snapshot.at.labelled].tolist() == pool.rows()[:20].tolist()
    assert snapshot[Probs()].shape == (120, 3)
    assert snapshot[ProbSamples(samples=3)].shape == (3, 120, 3)


@pytest.mark.parametrize("options", [{"cache_mb": 0.0}, {"block_rows": 7}, {"cache_mb": 0.0, "block_rows": 7}])
def test_files_and_blocks_change_nothing(trained, options):
    whole, other = trained(), trained(**options)
    for view in VIEWS:
        torch.testing.assert_close(other[view], whole[view], rtol=0, atol=1e-6)


def test_large_answers_stand_in_files_that_go_with_them(trained, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    snapshot = trained(cache_mb=0.0, block_rows=7)
    assert torch.isfinite(snapshot[Probs()]).all()
    del snapshot
    assert list(tmp_path.iterdir()) == []


def test_known_labels_are_a_view_and_unknown_ones_are_hidden(trained):
    labels = trained((Labels(),))[Labels()]
    assert labels.tolist() == [-1] * 100 + [0] * 20


def test_derived_views_need_only_their_parts(trained):
    points = trained((GradEmbeddings(),))[GradEmbeddings()]
    assert len(points) == 120
    np.testing.assert_allclose(points.dense().norm(dim=1) ** 2, points.squared_norms, rtol=1e-4)


def test_a_view_that_nobody_answers_is_named(trained):
    with pytest.raises(ViewMissing, match="Predictions"):
        trained((Predictions(),))


@pytest.mark.parametrize("options", [{}, {"cache_mb": 0.0, "block_rows": 7}])
def test_a_head_is_answered_once_whatever_the_blocks(trained, options):
    snapshot = trained((Head(), Embeddings(), Logits()), **options)
    head = snapshot[Head()]
    assert head.shape == (3, snapshot[Embeddings()].shape[1] + 1)
    scores = snapshot[Embeddings()] @ head[:, :-1].T + head[:, -1]
    torch.testing.assert_close(scores, snapshot[Logits()], atol=1e-4, rtol=1e-4)
