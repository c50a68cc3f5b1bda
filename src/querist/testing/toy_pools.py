"""Toy pools of payloads: rows of three sorts in every modality, with labels of every kind.

Where :mod:`querist.testing.toys` has answers of made-up networks, this has inputs, for whoever trains a network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from querist.core.errors import UsageError
from querist.core.rng import numpy_generator
from querist.pool.pool import Pool
from querist.tasks import make_task
from querist.tasks.base import Label, Task

SORTS = 3
_TAGS = ("O", "B-place", "B-name")
_WORDS = (("rain", "wind", "cloud"), ("oslo", "lima", "york"), ("ada", "alan", "grace"))


class WatchedPool(Pool):
    """A pool that counts how many payloads were read."""

    reads = 0

    def __getitem__(self, row: int) -> Any:
        self.reads += 1
        return super().__getitem__(row)

    def payloads(self, rows: Sequence[int] | np.ndarray) -> np.ndarray | list[Any]:
        self.reads += len(rows)
        return super().payloads(rows)


@dataclass(frozen=True, kw_only=True, eq=False)
class ToyPool:
    """Rows, and beside them what an oracle would say.

    Args:
        pool: holds no labels at all, so whoever is handed it cannot look.
        task: what is asked.
        labels: the right answer to each row.
    """

    pool: WatchedPool
    task: Task
    labels: list[Label]

    def told(self, rows: Sequence[int] | np.ndarray) -> list[Label]:
        """Labels of ``rows``."""
        return [self.labels[int(row)] for row in rows]


def kinds_of(modality: str) -> tuple[str, ...]:
    """Kinds of task that payloads of a modality can be labelled for.

    Example:
        >>> kinds_of("tokens"), kinds_of("table")
        (('tokens',), ('classification', 'multilabel', 'regression'))
    """
    return ("tokens",) if modality == "tokens" else ("classification", "multilabel", "regression")


def toy_pool(modality: str, kind: str, *, n: int = 40, seed: int = 0) -> ToyPool:
    """``n`` rows of a modality with labels for a task of ``kind``.

    Raises:
        UsageError: there is no such toy.

    Example:
        >>> toy = toy_pool("text", "classification")
        >>> len(toy.pool), toy.task.classes, toy.pool.has_truth()
        (40, ('calm', 'far', 'near'), False)
    """
    if modality not in _PAYLOADS or kind not in kinds_of(modality):
        raise UsageError(f"no toy pool holds {modality} for the task {kind}", hint="add one to querist.testing")
    rng = numpy_generator(seed, "toy pool", modality)
    # Sorts come in turn, so the first rows hold all of them.
    sorts = np.arange(n) % SORTS
    payloads, tags = _PAYLOADS[modality](sorts, rng)
    labels: dict[str, tuple[list[Label], tuple[str, ...]]] = {
        "classification": ([("calm", "far", "near")[sort] for sort in sorts], ("calm", "far", "near")),
        "multilabel": ([[[], ["ripe"], ["ripe", "round"]][sort] for sort in sorts], ("ripe", "round")),
        "regression": ([10.0 * float(sort) + 5 for sort in sorts], ()),
        "tokens": (tags, _TAGS),
    }
    known, classes = labels[kind]
    pool = WatchedPool.from_arrays(payloads, modality=modality, name=f"toy {modality}")
    assert isinstance(pool, WatchedPool)
    return ToyPool(pool=pool, task=make_task(kind, classes), labels=known)


def _table(sorts: np.ndarray, rng: np.random.Generator) -> tuple[Any, list[Label]]:
    return (3 * np.eye(SORTS, 5)[sorts] + 0.5 * rng.normal(size=(len(sorts), 5))).astype(np.float32), []


def _images(sorts: np.ndarray, rng: np.random.Generator) -> tuple[Any, list[Label]]:
    """A bright band whose height tells the sort."""
    images = rng.integers(0, 60, size=(len(sorts), 8, 8), dtype=np.uint8)
    for image, sort in zip(images, sorts, strict=True):
        image[3 * sort : 3 * sort + 2] += 180
    return images, []


def _texts(sorts: np.ndarray, rng: np.random.Generator) -> tuple[Any, list[Label]]:
    return [" ".join(rng.choice([*_WORDS[sort], "the"], size=rng.integers(3, 7))) for sort in sorts], []


def _tokens(sorts: np.ndarray, rng: np.random.Generator) -> tuple[Any, list[Label]]:
    """Rows of one to six words, each of which alone decides its tag."""
    kinds = [np.append(rng.integers(SORTS, size=rng.integers(0, 6)), sort) for sort in sorts]
    words = [[str(rng.choice(_WORDS[kind])) for kind in row] for row in kinds]
    return words, [[_TAGS[kind] for kind in row] for row in kinds]


_PAYLOADS: dict[str, Callable[[np.ndarray, np.random.Generator], tuple[Any, list[Label]]]] = {
    "table": _table,
    "image": _images,
    "text": _texts,
    "tokens": _tokens,
}
