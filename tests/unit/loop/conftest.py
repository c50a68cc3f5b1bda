import numpy as np
import pytest

from querist.models.base import Adapter
from querist.models.torch_module import TorchModule
from querist.pool.pool import Pool
from querist.training.recipe import Recipe


def blobs(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Three Gaussian blobs in five dimensions."""
    rng = np.random.default_rng(seed)
    y = rng.integers(3, size=n)
    x = rng.normal(size=(n, 5)) + 3 * np.eye(3, 5)[y]
    return x.astype(np.float32), np.array(["ant", "bee", "cat"])[y]


@pytest.fixture
def pool() -> Pool:
    return Pool.from_arrays(*blobs(120, 0), test=blobs(60, 1), validation=blobs(30, 2), name="blobs")


@pytest.fixture
def make_model():
    from torch import nn

    def make(**options) -> TorchModule:
        def net() -> nn.Module:
            return nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Dropout(0.25), nn.Linear(16, 3))

        return TorchModule(net, recipe=Recipe(steps=60, epochs=2, lr=0.03), device="cpu", **options)

    return make


class CountingAdapter(Adapter):
    """Passes everything on, and remembers how many rows each ``answer`` was asked about."""

    def __init__(self, inner: Adapter) -> None:
        self.inner = inner
        self.answered: list[int] = []

    def prepare(self, pool, task):
        self.inner.prepare(pool, task)

    def fit(self, pool, rows, labels, **options):
        return self.inner.fit(pool, rows, labels, **options)

    def answers(self, view):
        return self.inner.answers(view)

    def answer(self, views, pool, rows, **options):
        self.answered.append(len(rows))
        return self.inner.answer(views, pool, rows, **options)

    def predict(self, pool, rows):
        return self.inner.predict(pool, rows)

    @property
    def version(self):
        return self.inner.version

    def save(self, folder):
        self.inner.save(folder)

    def load(self, folder):
        self.inner.load(folder)


@pytest.fixture
def counting():
    return CountingAdapter
