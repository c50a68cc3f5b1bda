"""Seeded inputs: embeddings of two kinds, the probabilities of a random head on them, and draws of many heads.

Each array depends on its kind and sizes alone, through streams of ``numpy.random.default_rng``, so anybody can make
them again. They are kept as npy files in a folder outside the repository.

- ``mixture``: 100 Gaussian clusters of uneven weight and spread, whose spectrum falls as that of deep embeddings does.
  It is rich in outliers, which flatters anything that prunes.
- ``isotropic``: 100 round clusters with unit centres. Distances concentrate, so next to nothing can be pruned.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

KINDS = ("mixture", "isotropic")
_SEED = 20240611
_CLUSTERS = 100
_BLOCK = 8192


def default_cache() -> Path:
    """``QUERIST_BENCH_CACHE``, or a folder in the user's cache."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("QUERIST_BENCH_CACHE") or Path(home) / "querist-benchmarks")


class Inputs:
    """The arrays, made when first asked for.

    Args:
        cache: the folder that keeps them; made if it is not there.
        stored: hand out arrays mapped from their files instead of copies in memory.
    """

    def __init__(self, cache: Path, *, stored: bool = False) -> None:
        self.cache, self.stored = cache, stored

    def embeddings(self, kind: str, n: int, d: int) -> np.ndarray:
        """``[n d]`` float32."""
        self._make_points(kind, n, d)
        return self._open(f"points_{kind}_{n}_{d}")

    def clusters(self, kind: str, n: int, d: int) -> np.ndarray:
        """``[n]``, the cluster that each row was drawn from."""
        self._make_points(kind, n, d)
        return self._open(f"clusters_{kind}_{n}_{d}")

    def probs(self, kind: str, n: int, d: int, c: int) -> np.ndarray:
        """``[n c]`` float32, the probabilities of a random linear head on the embeddings."""

        def make() -> np.ndarray:
            weights = _stream(4, n, d, c).standard_normal((d, c), dtype=np.float32) / np.sqrt(d)
            return softmax(self.embeddings(kind, n, d) @ weights * np.float32(3.0)).astype(np.float32)

        return self._kept(f"probs_{kind}_{n}_{d}_{c}", make)

    def prob_samples(self, kind: str, n: int, s: int, c: int, d: int = 32) -> np.ndarray:
        """``[n s c]`` float32, the probabilities of ``s`` heads drawn around one, the same for all rows."""

        def make() -> np.ndarray:
            stream = _stream(5, n, s, c, d)
            points = np.empty((n, d), dtype=np.float32)
            fill_points(points, kind)
            middle = stream.standard_normal((d, c), dtype=np.float32)
            apart = stream.standard_normal((s, d, c), dtype=np.float32) * np.float32(0.6)
            made = np.empty((n, s, c), dtype=np.float32)
            for sample in range(s):
                made[:, sample] = softmax(points @ (middle + apart[sample]) * np.float32(2.0 / np.sqrt(d)))
            made = np.clip(made, 1e-6, None)
            made /= made.sum(-1, keepdims=True)
            return made

        return self._kept(f"prob_samples_{kind}_{n}_{s}_{c}", make)

    def _make_points(self, kind: str, n: int, d: int) -> None:
        """Written block by block: a file may be larger than memory."""
        points, clusters = (self._file(f"{what}_{kind}_{n}_{d}") for what in ("points", "clusters"))
        if not (points.exists() and clusters.exists()):
            self.cache.mkdir(parents=True, exist_ok=True)
            partly = points.with_suffix(f".{os.getpid()}.part")
            table = np.lib.format.open_memmap(partly, mode="w+", dtype=np.float32, shape=(n, d))
            drawn = fill_points(table, kind)
            table.flush()
            _save(clusters, drawn)
            partly.replace(points)

    def _kept(self, name: str, make: Callable[[], np.ndarray]) -> np.ndarray:
        if not self._file(name).exists():
            self.cache.mkdir(parents=True, exist_ok=True)
            _save(self._file(name), make())
        return self._open(name)

    def _file(self, name: str) -> Path:
        return self.cache / f"{name}.npy"

    def _open(self, name: str) -> np.ndarray:
        opened: np.ndarray = np.load(self._file(name), mmap_mode="r" if self.stored else None)
        return opened


def fill_points(table: np.ndarray, kind: str) -> np.ndarray:
    """Draw the rows of ``table`` (``[n d]`` float32, mapped or not) in place; returns the cluster of each."""
    n, d = table.shape
    stream = _stream(1 + KINDS.index(kind), n, d, _CLUSTERS)
    falling = kind == "mixture"
    scale = (1.0 + np.arange(d)) ** -0.5 if falling else np.ones(d)
    scale = (scale / np.sqrt((scale**2).sum()) * np.sqrt(d)).astype(np.float32)
    centres = stream.standard_normal((_CLUSTERS, d), dtype=np.float32) * scale
    if falling:
        spread = np.exp(stream.normal(0, 0.4, _CLUSTERS)).astype(np.float32) * 0.7
    else:
        spread = np.full(_CLUSTERS, 0.5, np.float32)
    weights = stream.dirichlet(np.full(_CLUSTERS, 2.0))
    drawn = stream.choice(_CLUSTERS, size=n, p=weights)
    for start in range(0, n, _BLOCK):
        rows = slice(start, min(start + _BLOCK, n))
        block = stream.standard_normal((rows.stop - start, d), dtype=np.float32)
        block *= scale
        block *= spread[drawn[rows], None]
        block += centres[drawn[rows]]
        table[rows] = block
    return drawn.astype(np.int64)


def labelled(n: int, m: int) -> np.ndarray:
    """``m`` positions that count as labelled, ascending."""
    return np.sort(_stream(3, n, m).choice(n, m, replace=False)).astype(np.int64)


def unit(points: np.ndarray) -> np.ndarray:
    """The same directions, of length 1."""
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def cover_radius(directions: np.ndarray, share: float = 0.005, some: int = 2000) -> float:
    """The radius in which a point sees ``share`` of all others on average, from ``some`` random rows."""
    n, d = directions.shape
    rows = directions[_stream(6, n, d).choice(n, min(some, n), replace=False)].astype(np.float64)
    squared = np.maximum(2 - 2 * rows @ rows.T, 0)[np.triu_indices(len(rows), 1)]
    return float(np.sqrt(np.quantile(squared, share)))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities over the last axis."""
    logits = logits - logits.max(-1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(-1, keepdims=True)
    return logits


def _stream(*key: int) -> np.random.Generator:
    return np.random.default_rng([_SEED, *key])


def _save(file: Path, array: np.ndarray) -> None:
    partly = file.with_suffix(f".{os.getpid()}.part")
    with partly.open("wb") as opened:
        np.save(opened, array)
    partly.replace(file)
