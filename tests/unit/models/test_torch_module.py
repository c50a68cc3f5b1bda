"""The torch adapter: trains, repeats itself, and answers rows independently."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from querist.models import default_model, make_model
from querist.pool.pool import Pool
from querist.tasks import make_task
from querist.views import Embeddings, Logits, LogitSamples, Raw


@pytest.fixture(scope="module")
def images() -> Pool:
    """Bright on the left or bright on the right."""
    draw = np.random.default_rng(0)
    right = draw.integers(0, 2, 60)
    x = draw.integers(0, 100, (60, 8, 8))
    x[right == 0, :, :4] += 100
    x[right == 1, :, 4:] += 100
    return Pool.from_arrays(x.astype(np.uint8), [("left", "right")[one] for one in right])


def test_a_default_model_learns_and_repeats_itself(images: Pool) -> None:
    task = make_task("classification", ["left", "right"])
    assert default_model(images, task) == "cnn"
    before = torch.random.get_rng_state()
    versions = []
    for _ in range(2):
        model = make_model("cnn", images, task, steps=40)
        model.prepare(images, task)
        rows = images.rows()[:30]
        report = model.fit(images, rows, images.truth(rows), seed=3)
        versions.append(model.version)
    assert torch.equal(before, torch.random.get_rng_state())
    assert versions[0] == versions[1] != ""
    assert report.train_score == 1.0
    rest = images.rows()[30:]
    probs, offsets = model.predict(images, rest)
    assert task.evaluate(probs, offsets, images.truth(rest))["accuracy"] > 0.9


def test_two_halves_equal_the_whole(images: Pool) -> None:
    task = make_task("classification", ["left", "right"])
    model = make_model("cnn", images, task, steps=10)
    model.prepare(images, task)
    rows = images.rows()
    model.fit(images, rows[:10], images.truth(rows[:10]), seed=0)
    views = [Logits(), Embeddings(), LogitSamples(samples=3), Raw()]
    whole = model.answer(views, images, rows, seed=5).views
    halves = [model.answer(views, images, part, seed=5).views for part in (rows[:23], rows[23:])]
    for view in views:
        joined = torch.cat([half[view] for half in halves], dim=view.row_axis)
        torch.testing.assert_close(joined, whole[view], rtol=1e-5, atol=1e-5)
