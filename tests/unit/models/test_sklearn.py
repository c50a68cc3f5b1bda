"""scikit-learn models: any estimator answers views as a network does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.svm import SVC, LinearSVC

from querist import tasks
from querist.core.errors import ColdStart, QueristError, UnknownName, UsageError, ViewMissing
from querist.models.estimators import estimator_named
from querist.models.sklearn import Sklearn
from querist.pool.pool import Pool
from querist.views import (
    Embeddings,
    Head,
    Logits,
    LogitSamples,
    Predictions,
    PredictionSamples,
    Probs,
    ProbSamples,
    Raw,
)
from querist.views.base import primitives

CLASSES = ("a", "b", "c")


def blobs(n: int = 60) -> tuple[Pool, list[str]]:
    """Three round clouds of points, one a class."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 3
    x = np.array([[0, 0], [6, 0], [0, 6]])[y] * 100 + 100 * rng.normal(size=(n, 2))
    labels = [CLASSES[pos] for pos in y]
    return Pool.from_arrays(x.astype(np.float32), labels), labels


def prepared(estimator: Any, pool: Pool, kind: str = "classification", classes: Any = CLASSES) -> Sklearn:
    model = Sklearn(estimator)
    model.prepare(pool, tasks.make_task(kind, classes))
    return model


@pytest.mark.parametrize(
    "estimator",
    ["LogisticRegression", "RandomForestClassifier", "GaussianNB", LinearSVC(), KNeighborsClassifier(3)],
    ids=str,
)
def test_classifiers_learn_and_answer(estimator: Any) -> None:
    pool, labels = blobs()
    model = prepared(estimator, pool)
    model.fit(pool, np.arange(30), labels[:30], seed=0)
    known, _ = model.predict(pool, np.arange(30))
    guessed = [model._task.classes[pos] for pos in known.argmax(-1).tolist()]
    assert np.mean(np.array(guessed) == np.array(labels[:30])) > 0.9
    probs, offsets = model.predict(pool, np.arange(30, 60))
    assert offsets is None
    assert torch.allclose(probs.sum(-1), torch.ones(30))
    assert float((probs.argmax(-1) == torch.arange(30) % 3).float().mean()) > 0.9
    said = model.answer((Logits(), Embeddings(), Raw()), pool, np.arange(60), seed=0)
    assert torch.allclose(said.views[Logits()].softmax(-1)[30:], probs)
    assert torch.equal(said.views[Embeddings()], said.views[Raw()])
    assert torch.allclose(said.views[Raw()].mean(0), torch.zeros(2), atol=1e-5)
    assert torch.allclose(said.views[Raw()].std(0, correction=0), torch.ones(2), atol=1e-5)


def test_probabilities_are_the_estimators_own() -> None:
    pool, labels = blobs()
    model = prepared(LogisticRegression(), pool)
    model.fit(pool, np.arange(30), labels[:30], seed=0)
    x = np.asarray(pool.payloads(np.arange(60)))
    x = (x - x.mean(0)) / x.std(0)
    theirs = LogisticRegression().fit(x[:30], labels[:30]).predict_proba(x)
    assert model.predict(pool, np.arange(60))[0].numpy() == pytest.approx(theirs, abs=1e-4)


def test_classes_without_rows_are_unlikely_but_possible() -> None:
    pool, labels = blobs()
    model = prepared("LogisticRegression", pool)
    seen = np.array([row for row in range(30) if labels[row] != "b"])
    model.fit(pool, seen, [labels[row] for row in seen], seed=0)
    probs, _ = model.predict(pool, np.arange(60))
    assert probs[:, 1].numpy() == pytest.approx(1e-7, rel=0.01)
    assert bool(torch.isfinite(model.answer((Logits(),), pool, np.arange(60), seed=0).views[Logits()]).all())


@pytest.mark.parametrize("estimator", ["LogisticRegression", "LinearSVC", "SVC"])
def test_one_class_is_answered_as_that_class(estimator: str) -> None:
    pool, _ = blobs()
    model = prepared(estimator, pool)
    model.fit(pool, np.arange(3), ["c"] * 3, seed=0, members=2)
    probs, _ = model.predict(pool, np.arange(60))
    assert probs.argmax(-1).tolist() == [2] * 60


def test_ensembles_differ_and_member_0_is_the_plain_one() -> None:
    pool, labels = blobs()
    model = prepared(RandomForestClassifier(10), pool)
    views = primitives((ProbSamples(samples=3, source="ensemble"), Probs()), model.answers)
    model.fit(pool, np.arange(30), labels[:30], seed=1, members=3)
    said = model.answer(views, pool, np.arange(60), seed=0)
    samples = said.views[LogitSamples(samples=3, source="ensemble")]
    assert samples.shape == (3, 60, 3)
    assert not torch.equal(samples[0], samples[1])
    assert not torch.equal(samples[1], samples[2])
    alone = prepared(RandomForestClassifier(10), pool)
    alone.fit(pool, np.arange(30), labels[:30], seed=1)
    assert torch.equal(alone.predict(pool, np.arange(60))[0], samples[0].softmax(-1))
    with pytest.raises(ViewMissing, match="3 trained models are needed and 1 were trained; fit with members=3"):
        alone.answer(views, pool, np.arange(60), seed=0)
    with pytest.raises(ViewMissing, match="LogitSamples"):
        primitives((ProbSamples(),), model.answers)


def test_the_seed_decides_and_the_version_tells() -> None:
    pool, labels = blobs()
    answers, versions = [], []
    for seed in (0, 0, 1):
        model = prepared(RandomForestClassifier(3), pool)
        assert model.version == ""
        model.fit(pool, np.arange(30), labels[:30], seed=seed)
        answers.append(model.predict(pool, np.arange(60))[0])
        versions.append(model.version)
    assert torch.equal(answers[0], answers[1])
    assert not torch.equal(answers[0], answers[2])
    assert versions[0] == versions[1] != versions[2] != ""


def test_halves_equal_the_whole() -> None:
    pool, labels = blobs()
    model = prepared("GaussianNB", pool)
    model.fit(pool, np.arange(30), labels[:30], seed=0)
    whole = model.answer((Logits(),), pool, np.arange(60), seed=0).views[Logits()]
    halves = [model.answer((Logits(),), pool, part, seed=0).views[Logits()] for part in np.split(np.arange(60), 2)]
    assert torch.equal(whole, torch.cat(halves))


def test_regression_with_samples() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 2)).astype(np.float32)
    y = [float(value) for value in 1000 + 50 * x[:, 0]]
    pool = Pool.from_arrays(x, y)
    model = prepared(Ridge(1e-3), pool, "regression", ())
    model.fit(pool, np.arange(20), y[:20], seed=0, members=2)
    values, offsets = model.predict(pool, np.arange(20, 40))
    assert offsets is None
    assert values.numpy() == pytest.approx(np.array(y[20:]), abs=0.1)
    samples = PredictionSamples(samples=2, source="ensemble")
    said = model.answer((samples, Predictions()), pool, np.arange(40), seed=0)
    assert said.views[samples].shape == (2, 40)
    assert torch.equal(said.views[samples][0], said.views[Predictions()])
    assert not torch.equal(said.views[samples][0], said.views[samples][1])


def test_multilabel_answers_pairs() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 2)).astype(np.float32)
    y = [[name for name, present in zip("pq", row > 0, strict=True) if present] for row in x]
    pool = Pool.from_arrays(x, y)
    model = prepared("LogisticRegression", pool, "multilabel", ("p", "q", "never"))
    model.fit(pool, np.arange(60), y[:60], seed=0)
    probs, offsets = model.predict(pool, np.arange(60, 80))
    assert probs.shape == (60, 2)
    assert offsets is not None
    assert offsets.tolist() == list(range(0, 61, 3))
    task = tasks.make_task("multilabel", ("p", "q", "never"))
    assert task.evaluate(probs, offsets, y[60:])["micro_f1"] > 0.85
    assert float(probs[2::3, 1].max()) < 1e-5


@pytest.mark.parametrize("estimator", ["LogisticRegression", "HistGradientBoostingClassifier"])
def test_texts_become_word_weights(estimator: str) -> None:
    texts = [f"{'good' if i % 2 else 'bad'} film number {i % 5} seen at home" for i in range(60)]
    labels = ["good" if i % 2 else "bad" for i in range(60)]
    pool = Pool.from_arrays(texts, labels)
    model = prepared(estimator, pool, classes=("bad", "good"))
    model.fit(pool, np.arange(50), labels[:50], seed=0)
    assert model.predict(pool, np.arange(50, 60))[0].argmax(-1).tolist() == [0, 1] * 5
    embeddings = model.answer((Embeddings(),), pool, np.arange(60), seed=0).views[Embeddings()]
    assert embeddings.dtype == torch.float32
    assert embeddings.shape[0] == 60
    assert embeddings.shape[1] <= 12


def test_images_are_flattened() -> None:
    images = np.zeros((20, 4, 4), dtype=np.uint8)
    images[::2, :2] = 255
    labels = ["top", "none"] * 10
    pool = Pool.from_arrays(images, labels)
    model = prepared("LogisticRegression", pool, classes=("none", "top"))
    model.fit(pool, np.arange(10), labels[:10], seed=0)
    assert model.predict(pool, np.arange(10, 20))[0].argmax(-1).tolist() == [1, 0] * 5
    assert model.answer((Raw(),), pool, np.arange(20), seed=0).views[Raw()].shape == (20, 16)


def test_raw_needs_no_training() -> None:
    pool, _ = blobs()
    assert prepared("SVC", pool).answer((Raw(),), pool, np.arange(5), seed=0).views[Raw()].shape == (5, 2)


def test_nothing_is_pickled(tmp_path: Path) -> None:
    pool, labels = blobs()
    model = prepared("GaussianNB", pool)
    model.fit(pool, np.arange(30), labels[:30], seed=0)
    assert not model.storable
    assert model.refits
    for act in (model.save, model.load):
        with pytest.raises(QueristError, match="train again from the same labels and seed"):
            act(tmp_path)


class TestRefusals:
    def test_names(self) -> None:
        with pytest.raises(UnknownName, match="did you mean 'RandomForestClassifier'"):
            estimator_named("RandomForrestClassifier")
        with pytest.raises(UsageError, match="VotingClassifier needs arguments"):
            estimator_named("VotingClassifier")

    @pytest.mark.parametrize(
        ("name", "kind", "message"),
        [
            ("RandomForestRegressor", "classification", "did you mean RandomForestClassifier"),
            ("RandomForestClassifier", "regression", "did you mean RandomForestRegressor"),
            ("GaussianNB", "regression", "GaussianNB is no regressor"),
            ("GaussianNB", "tokens", "does not tag tokens; try --model bilstm"),
        ],
    )
    def test_other_kinds(self, name: str, kind: str, message: str) -> None:
        pool, _ = blobs()
        with pytest.raises(UsageError, match=message):
            prepared(name, pool, kind, () if kind == "regression" else CLASSES)

    def test_too_few_rows(self) -> None:
        pool, labels = blobs()
        for estimator, kind, told in (
            (KNeighborsRegressor(), "regression", [0.0, 1.0]),
            (KNeighborsClassifier(), "classification", labels[:2]),
        ):
            model = prepared(estimator, pool, kind, CLASSES if kind == "classification" else ())
            with pytest.raises(QueristError, match=r"cannot answer on 2 rows: Expected n_neighbors .*label more rows"):
                model.fit(pool, np.arange(2), told, seed=0)
        with pytest.raises(ColdStart):
            model.fit(pool, np.arange(0), [], seed=0)


@pytest.mark.parametrize(
    ("estimator", "linear"),
    [
        (LogisticRegression(), True),
        (LinearSVC(), True),
        ("LinearDiscriminantAnalysis", True),
        ("RidgeClassifier", True),
        (SGDClassifier(loss="log_loss"), False),  # one class against the rest, divided by the sum
        (SVC(kernel="linear"), False),  # pairs of classes vote
        (RandomForestClassifier(5), False),
    ],
    ids=str,
)
def test_a_linear_model_has_a_head(estimator: Any, linear: bool) -> None:
    pool, labels = blobs()
    model = prepared(estimator, pool)
    assert not model.answers(Head())
    model.fit(pool, np.arange(30), labels[:30], seed=0)
    assert model.answers(Head()) is linear
    if not linear:
        with pytest.raises(ViewMissing, match="Head"):
            model.answer((Head(),), pool, np.arange(3), seed=0)
        return
    said = model.answer((Head(), Embeddings()), pool, np.arange(60), seed=0).views
    scores = said[Embeddings()] @ said[Head()][:, :-1].T + said[Head()][:, -1]
    torch.testing.assert_close(scores.softmax(-1), model.predict(pool, np.arange(60))[0], atol=1e-4, rtol=0)


def test_the_head_knows_of_a_class_without_labels() -> None:
    pool, labels = blobs()
    model = prepared(LogisticRegression(), pool)
    two = np.array([row for row in range(30) if labels[row] != "b"])
    for rows in (two, two[:1]):
        model.fit(pool, rows, [labels[row] for row in rows], seed=0)
        said = model.answer((Head(), Embeddings()), pool, np.arange(60), seed=0).views
        assert said[Head()].shape == (3, 3)
        scores = said[Embeddings()] @ said[Head()][:, :-1].T + said[Head()][:, -1]
        torch.testing.assert_close(scores.softmax(-1), model.predict(pool, np.arange(60))[0], atol=1e-4, rtol=0)
        assert float(scores.softmax(-1)[:, 1].max()) < 1e-6


def test_texts_read_as_sparse_weights_have_no_head() -> None:
    texts = ["rain and wind", "wind", "sun today", "warm sun"] * 3
    labels = ["wet", "wet", "dry", "dry"] * 3
    pool = Pool.from_arrays(texts, labels, modality="text")
    model = prepared(LogisticRegression(), pool, classes=("dry", "wet"))
    model.fit(pool, np.arange(12), labels, seed=0)
    assert not model.answers(Head())
