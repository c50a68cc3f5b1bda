"""The studies: which rows, which model, how many labels, and what a round of it costs.

Costs are seconds of one core of the machine that the pages name, measured by hand once; they only serve the plan.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from torch import nn

import querist as q
from querist.loop.advisor import AUTO, Advisor
from querist.models import make_model
from querist.models.base import Adapter
from querist.strategies import registry
from querist.strategies.base import Strategy
from querist.tasks.base import Task
from querist.training.recipe import Recipe

ROOT = Path(__file__).resolve().parents[2]
TWINS = ("random", "margin")
"""Run in every study, and what the others are compared with."""
ADVISED = (
    AUTO, "badge", "bait", "bald", "cluster_margin", "core_set", "dcom", "entropy", "lcmd", "margin", "max_herding",
    "prob_cover", "random", "typi_clust", "uncertainty_herding",
)  # fmt: skip
"""Run where a study asks what the advisor should take."""
LOOKAHEAD = "lookahead"
"""The family whose strategies try labels out: each pick costs trainings, so its model must be a small one."""


def arms() -> dict[str, type[Strategy] | type[Advisor]]:
    """All that can be run, by name: registered strategies, and the advisor."""
    return {**{name: registry[name] for name in registry}, AUTO: Advisor}


def data_dir() -> Path:
    """The folder of real data sets: ``QUERIST_DATA``, or ``../shared/data`` beside the repository."""
    return Path(os.environ.get("QUERIST_DATA", ROOT.parent / "shared" / "data"))


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds of one round of one seed.

    Args:
        fit: a training, at the middle of the campaign.
        answer: a pass over pool and test rows.
        sample: a dropout sample of the pool.
    """

    fit: float
    answer: float
    sample: float

    def round(self, members: int, samples: int) -> float:
        """With an ensemble of so many members and so many dropout samples."""
        return self.fit * members + self.answer * members + self.sample * samples


@dataclass(frozen=True, kw_only=True)
class Study:
    """A data set, its model, and how many labels are bought when.

    Args:
        name: of its files.
        title: of its page.
        about: what a reader should know: rows, model, accuracy of what.
        pool: makes the pool; gets a folder to keep inputs in.
        model: makes the adapter.
        initial: labels at the start.
        batch: labels a round.
        rounds: rounds after the start.
        cost: for the plan.
        candidates: random rows that are scored each round; all if ``None``.
        lookahead: whether it is for the strategies that look ahead (``None``: for all).
        metric: of the curves.
        classes: how many there are.
        only: strategies that it is for; all if ``None``.
    """

    name: str
    title: str
    about: str
    pool: Callable[[Path], q.Pool]
    model: Callable[[q.Pool, Task], Adapter]
    initial: int
    batch: int
    rounds: int
    cost: Cost = field(compare=False)
    candidates: int | None = None
    lookahead: bool | None = None
    metric: str = "accuracy"
    classes: int = 10
    only: tuple[str, ...] | None = None

    @property
    def budget(self) -> int:
        """Labels at the end."""
        return self.initial + self.rounds * self.batch

    def takes(self, name: str, cls: type[Strategy] | type[Advisor]) -> bool:
        """Whether this strategy is run here."""
        if self.only is not None:
            return name in self.only
        if name == AUTO:
            return not self.lookahead
        ours = name in TWINS or self.lookahead is None or (cls.family == LOOKAHEAD) == self.lookahead
        return ours and "classification" in cls.tasks

    def settings(self) -> dict[str, object]:
        """What decides the numbers, as it is kept with them."""
        counts = {"initial": self.initial, "batch": self.batch, "rounds": self.rounds, "candidates": self.candidates}
        return {"about": self.about, "metric": self.metric, **counts}

    def seconds(self, cls: type[Strategy] | type[Advisor], seeds: int) -> float:
        """What a cell should take on one core, selection left out."""
        views = cls().needs_for("classification")
        members = max((view.members for view in views), default=1)
        samples = max((view.samples for view in views if getattr(view, "source", "") == "dropout"), default=0)
        return 8 + (self.rounds + 1) * seeds * self.cost.round(members, samples)


def kept(folder: Path, name: str, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Arrays that ``make`` computes once; afterwards they are read."""
    file = folder / f"{name}.npz"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(f".{os.getpid()}.npz")
        np.savez(part, **make())  # type: ignore[arg-type]
        os.replace(part, file)
    with np.load(file) as arrays:
        return dict(arrays)


def digits(_folder: Path) -> q.Pool:
    """All of it: 1,346 rows to choose from, 451 to test on."""
    return q.open("digits")


def digits_pixels(_folder: Path) -> q.Pool:
    """The same rows as their 64 pixels, in one row each and from 0 to 1."""
    pool = digits(_folder)
    arrays: dict[str, np.ndarray] = {}
    for split in ("train", "test"):
        images = np.asarray(pool.payloads(pool.rows(split)), dtype=np.float32)
        arrays[split] = images.reshape(len(images), -1) / images.max()
        arrays[f"{split}_labels"] = np.array(pool.truth(pool.rows(split)))
    return _of_features(arrays, "digits_pixels")


def fashion_mnist(_folder: Path) -> q.Pool:
    """10,000 of the training rows, the same in every run, and the first 5,000 test rows."""
    with np.load(data_dir() / "fashion_mnist" / "fashion_mnist.npz") as data:
        rows = np.random.default_rng(2017).permutation(len(data["y_train"]))[:10_000]
        test = data["x_test"][:5_000], data["y_test"][:5_000]
        return q.Pool.from_arrays(data["x_train"][rows], data["y_train"][rows], test=test, name="fashion_mnist")


def fashion_mnist_features(folder: Path) -> q.Pool:
    """The same rows as 50 principal components, learned without labels."""

    def make() -> dict[str, np.ndarray]:
        from sklearn.decomposition import PCA

        pool = fashion_mnist(folder)
        parts = {split: np.asarray(pool.payloads(pool.rows(split))) for split in ("train", "test")}
        flat = {split: images.reshape(len(images), -1) / 255 for split, images in parts.items()}
        reduce = PCA(50, random_state=0).fit(flat["train"])
        arrays = {split: reduce.transform(rows).astype(np.float32) for split, rows in flat.items()}
        return arrays | {f"{split}_labels": np.array(pool.truth(pool.rows(split))) for split in ("train", "test")}

    return _of_features(kept(folder, "fashion_mnist_features", make), "fashion_mnist_features")


def fashion_mnist_tail(folder: Path) -> q.Pool:
    """The same components, of each class fewer rows than of the one before: 1,000 of the first and 20 of the last."""
    whole = fashion_mnist_features(folder)
    rows, test = whole.rows("train"), whole.rows("test")
    own = np.array(whole.truth(rows))
    kinds = sorted(set(own.tolist()))
    sizes = np.geomspace(1000, 20, len(kinds)).round().astype(int)
    some = np.concatenate([rows[own == kind][:size] for kind, size in zip(kinds, sizes, strict=True)])
    of = {split: np.asarray(whole.payloads(each)) for split, each in (("train", some), ("test", test))}
    labels = {split: np.array(whole.truth(each)) for split, each in (("train", some), ("test", test))}
    return q.Pool.from_arrays(
        of["train"],
        labels["train"],
        test=(of["test"], labels["test"]),
        modality="table",
        name="fashion_mnist_tail",
    )


def ag_news(folder: Path) -> q.Pool:
    """9,977 texts to choose from and 7,600 to test on, as 50 numbers: tf-idf and a truncated SVD, without labels."""

    def make() -> dict[str, np.ndarray]:
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        pool = q.open(f"parquet:{data_dir() / 'ag_news'}", text="text", label="label")
        words = TfidfVectorizer(sublinear_tf=True, min_df=2, stop_words="english")
        weights = words.fit_transform(pool.payloads(pool.rows("train")))
        reduce = TruncatedSVD(50, random_state=0).fit(weights)
        train = reduce.transform(weights)
        test = reduce.transform(words.transform(pool.payloads(pool.rows("test"))))
        arrays = {"train": train / train.std(), "test": test / train.std()}
        labels = {f"{split}_labels": np.array(pool.truth(pool.rows(split))) for split in arrays}
        return {split: rows.astype(np.float32) for split, rows in arrays.items()} | labels

    return _of_features(kept(folder, "ag_news", make), "ag_news")


def _of_features(arrays: dict[str, np.ndarray], name: str) -> q.Pool:
    test = arrays["test"], arrays["test_labels"]
    return q.Pool.from_arrays(arrays["train"], arrays["train_labels"], test=test, modality="table", name=name)


def cnn(pool: q.Pool, task: Task) -> Adapter:
    """The package's small convolutional network, with its own recipe and dropout in its head."""
    return make_model("cnn", pool, task, device="cpu")


def head(hidden: int) -> Callable[[q.Pool, Task], Adapter]:
    """A head on features as they are: one hidden layer and dropout, or for 0 dropout and a logistic layer alone."""

    def model(pool: q.Pool, task: Task) -> Adapter:
        width = len(pool[int(pool.rows("train")[0])])

        def net() -> nn.Module:
            if not hidden:
                return nn.Sequential(nn.Dropout(0.25), nn.Linear(width, task.outputs))
            layers = nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(0.25), nn.Linear(hidden, task.outputs)
            return nn.Sequential(*layers)

        recipe = Recipe(steps=150, epochs=15, lr=5e-3 if hidden else 2e-2)
        return q.TorchModule(net, recipe=recipe, encoder=None, device="cpu")

    return model


_STUDIES = (
    Study(
        name="digits",
        title="Digits",
        about="8 x 8 digits in 10 classes: 1,346 rows to choose from, accuracy on 451 others; a small convolutional "
        "network (`cnn`)",
        pool=digits,
        model=cnn,
        initial=20,
        batch=10,
        rounds=20,
        cost=Cost(fit=0.45, answer=0.1, sample=0.003),
    ),
    Study(
        name="fashion_mnist",
        title="Fashion-MNIST",
        about="28 x 28 pictures of clothes in 10 classes: 10,000 rows to choose from, accuracy on 5,000 others; a "
        "small convolutional network (`cnn`)",
        pool=fashion_mnist,
        model=cnn,
        initial=100,
        batch=100,
        rounds=10,
        cost=Cost(fit=3.0, answer=1.0, sample=0.07),
        lookahead=False,
    ),
    Study(
        name="ag_news",
        title="AG News",
        classes=4,
        about="news in 4 classes: 9,977 texts to choose from, accuracy on 7,600 others; each text as 50 numbers "
        "(tf-idf and a truncated SVD, learned without labels), a hidden layer of 128 with dropout",
        pool=ag_news,
        model=head(128),
        initial=50,
        batch=50,
        rounds=10,
        cost=Cost(fit=0.15, answer=0.1, sample=0.005),
        lookahead=False,
    ),
    Study(
        name="fashion_mnist_ahead",
        title="Fashion-MNIST, looking ahead",
        about="the rows of Fashion-MNIST as 50 principal components, a logistic head with dropout before it. For "
        "strategies that try labels out before they ask",
        pool=fashion_mnist_features,
        model=head(0),
        initial=100,
        batch=100,
        rounds=10,
        cost=Cost(fit=0.2, answer=0.1, sample=0.005),
        candidates=500,
        lookahead=True,
    ),
    Study(
        name="ag_news_ahead",
        title="AG News, looking ahead",
        classes=4,
        about="the texts of AG News as 50 numbers, a logistic head with dropout before it. For strategies that try "
        "labels out before they ask",
        pool=ag_news,
        model=head(0),
        initial=50,
        batch=50,
        rounds=10,
        cost=Cost(fit=0.15, answer=0.1, sample=0.005),
        candidates=500,
        lookahead=True,
    ),
    Study(
        name="digits_first",
        title="Digits, the first labels",
        about="the digits and the network of the first study, from one label a class on. What a network that was "
        "trained on so little sees is all that a strategy has",
        pool=digits,
        model=cnn,
        initial=10,
        batch=10,
        rounds=5,
        cost=Cost(fit=0.45, answer=0.1, sample=0.003),
        only=ADVISED,
    ),
    Study(
        name="fashion_mnist_first",
        title="Fashion-MNIST, the first labels",
        about="the rows of Fashion-MNIST as 50 principal components, a logistic head, from one label a class on. "
        "Embeddings are the components, as good with few labels as with many",
        pool=fashion_mnist_features,
        model=head(0),
        initial=10,
        batch=10,
        rounds=12,
        cost=Cost(fit=0.2, answer=0.1, sample=0.005),
        only=ADVISED,
    ),
    Study(
        name="digits_pixels_first",
        title="Digits by their pixels, the first labels",
        about="the digits as 64 pixels, a logistic head, from one label a class on. Embeddings are the pixels",
        pool=digits_pixels,
        model=head(0),
        initial=10,
        batch=10,
        rounds=12,
        cost=Cost(fit=0.2, answer=0.02, sample=0.001),
        only=ADVISED,
    ),
    Study(
        name="ag_news_first",
        title="AG News, the first labels",
        classes=4,
        about="the texts of AG News as 50 numbers, a logistic head, from one label a class on. Embeddings are the "
        "numbers",
        pool=ag_news,
        model=head(0),
        initial=4,
        batch=4,
        rounds=12,
        cost=Cost(fit=0.15, answer=0.1, sample=0.005),
        only=ADVISED,
    ),
    Study(
        name="fashion_mnist_tail",
        title="Fashion-MNIST, rare classes",
        about="the components of 2,800 rows, of each class fewer than of the one before (1,000 of the first, 20 of the "
        "last), a logistic head, accuracy on 5,000 rows of all classes alike",
        pool=fashion_mnist_tail,
        model=head(0),
        initial=20,
        batch=20,
        rounds=10,
        cost=Cost(fit=0.2, answer=0.1, sample=0.005),
        only=ADVISED,
    ),
    Study(
        name="digits_batches",
        title="Digits, large batches",
        about="the digits and the network of the first study, a hundred labels at once",
        pool=digits,
        model=cnn,
        initial=50,
        batch=100,
        rounds=4,
        cost=Cost(fit=0.7, answer=0.1, sample=0.003),
        only=ADVISED,
    ),
)
STUDIES = {study.name: study for study in _STUDIES}
