"""The benchmark of real crowds, on made-up ones: budgets are kept, the table says what it should, features are fair."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks.crowds import again_or_new, aggregation
from benchmarks.crowds.again_or_new import ARMS, Study, curve
from benchmarks.crowds.features import patch_features

from querist.core.rng import generator


def made_up(seed: int = 0, n: int = 240) -> Study:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 10, n + 200)
    x = rng.normal(size=(n + 200, 12)) + 3 * np.eye(10, 12)[y]
    said = np.where(rng.random((n, 3)) < 0.75, y[:n, None], rng.integers(10, size=(n, 3)))
    return Study(x=x[:n], answers=said, truth=y[:n], x_test=x[n:], y_test=y[n:])


@pytest.mark.parametrize("name", ARMS)
def test_each_way_spends_the_same_and_answers_come_from_people(name):
    given, arm = made_up(), ARMS[name]
    points = curve(given, arm, seed=0, start=100, batch=60, budget=220, said=lambda text: None)
    assert [point["spent"] for point in points] == [100, 160, 220]
    assert points[0]["rows"] == 75
    if arm.overlap == 1:
        assert points[-1]["rows"] == 75 + 120
    elif arm.votes == 3:
        assert points[-1]["rows"] == 75 + 40
        # Three of four answers are right, so a majority of three is right in at least 0.84 of the rows.
        assert points[-1]["right"] > points[0]["right"] - 0.05
    else:
        assert 75 + 40 < points[-1]["rows"] <= 75 + 120
    assert all(0.1 < point["accuracy"] <= 1 for point in points)


def test_folds_do_not_see_what_they_judge():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(300, 100)), rng.integers(3, size=300)
    chances = aggregation.out_of_fold(x, y, 3, seed=0)
    np.testing.assert_allclose(chances.sum(1), 1)
    # Labels of pure noise: a model that had seen them would know them, one that had not is right by chance.
    assert (chances.argmax(1) == y).mean() < 0.45
    assert (aggregation.classifier().fit(x, y).predict(x) == y).mean() > 0.6


def test_the_table_of_a_made_up_crowd(tmp_path: Path):
    given = made_up(1, n=200)
    answers = np.concatenate([given.answers, given.answers[::-1][:, :1]], 1)  # the last knows nothing
    (tmp_path / "labelme_crowd").mkdir()
    np.savez(
        tmp_path / aggregation.FILE,
        x_train=given.x.astype(np.float32),
        y_train=given.truth,
        answers_train=answers.astype(np.int8),
        x_test=given.x_test.astype(np.float32),
        y_test=given.y_test,
    )
    lines = aggregation.table(tmp_path, draws=2).splitlines()
    assert lines[2].startswith("| true labels | 1.000 |")
    assert len(lines) == 3 + len(aggregation.METHODS) + 1 + 2
    assert "800 votes of 4 annotators" in lines[-1]


def test_ranks_and_ranges():
    answers = np.array([[0, 1, 0]] * 30 + [[0, 0, 1]] * 10)
    held = {"answers_train": answers, "y_train": np.zeros(40, int)}
    assert aggregation.spearman(np.array([0.9, 0.1, 0.8]), held) == pytest.approx(1)
    assert aggregation.spearman(np.array([0.1, 0.9, 0.2]), held) == pytest.approx(-1)
    assert aggregation.spread(np.array([0.5, 0.5])) == "0.500"
    assert aggregation.spread(np.array([0.4, 0.6])) == "0.500 (0.400 to 0.600)"


def test_patches_tell_stripes_from_stripes():
    rng = generator(0)
    upright = torch.arange(32).remainder(4).lt(2).float().expand(3, 32, 32)
    images = torch.stack([upright if row % 2 else upright.transpose(1, 2) for row in range(80)])
    images = (images + 0.3 * torch.randn(images.shape, generator=rng)).clamp(0, 1)
    features = patch_features(images, words=12, patches=3000, steps=5).numpy()
    assert features.shape == (80, 48)
    kind = np.arange(80) % 2
    model = aggregation.classifier().fit(features[:40], kind[:40])
    assert (model.predict(features[40:]) == kind[40:]).mean() > 0.95


def test_arms_are_what_the_page_says():
    assert {arm.votes for arm in ARMS.values()} == {1, 3}
    assert max(arm.overlap for arm in ARMS.values()) == again_or_new.VOTES
