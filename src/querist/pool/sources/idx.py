"""``idx:DIR``: the MNIST files (``train-images-idx3-ubyte`` and the like), compressed or not.

An idx file is two zero bytes, a byte for the type, a byte for the number of axes, a big-endian length of each axis,
and the numbers.
"""

from __future__ import annotations

import gzip
import zlib
from math import prod
from pathlib import Path

import numpy as np

from querist.core.errors import DataError
from querist.pool.pool import Pool
from querist.pool.sources.base import TEST_SHARE, Columns, Source, existing

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_PREFIXES = {"train": ("train",), "test": ("t10k", "test")}


class Idx(Source):
    """Images and labels of ``train`` and ``t10k`` (or ``test``)."""

    def open(self, path: str, *, columns: Columns, skip_bad: bool, seed: int) -> Pool:
        folder = existing(path, want="folder")
        train = _pair(folder, "train")
        if train is None:
            raise DataError(
                f"{path} holds no idx files", hint="it should hold train-images-idx3-ubyte and train-labels-idx1-ubyte"
            )
        return Pool.from_arrays(*train, test=_pair(folder, "test") or TEST_SHARE, name=folder.name, seed=seed)


def _pair(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray | None] | None:
    images, labels = (_file(folder, split, what) for what in ("images", "labels"))
    if images is None:
        return None
    return read_idx(images), None if labels is None else read_idx(labels)


def _file(folder: Path, split: str, what: str) -> Path | None:
    """The split's file; one that is not compressed comes first, as it need not be unpacked."""
    files = [file for prefix in _PREFIXES[split] for file in folder.glob(f"{prefix}-{what}*idx*")]
    return min(files, key=lambda file: (file.suffix == ".gz", file.name), default=None)


def read_idx(file: Path) -> np.ndarray:
    """The array in an idx file: memory-mapped, unless it is compressed (``.gz``).

    Raises:
        DataError: not an idx file, or cut short.
    """
    existing(str(file), want="file")
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
            start = stream.read(4)
            if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in _TYPES:
                raise DataError(f"{file} is not an idx file", hint="give the files as they were published")
            shape = tuple(np.frombuffer(stream.read(4 * start[3]), ">u4").tolist())
            offset, dtype = 4 + 4 * start[3], np.dtype(_TYPES[start[2]])
            rest = stream.read() if file.suffix == ".gz" else None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file} cannot be unpacked: it is damaged or cut short", hint="fetch it again") from error
    wanted = prod(shape) * dtype.itemsize
    have = len(rest) if rest is not None else file.stat().st_size - offset
    if len(shape) != start[3] or have != wanted:
        raise DataError(f"{file} should hold {wanted} bytes of data and holds {have}", hint="fetch it again")
    if rest is not None:
        return np.frombuffer(rest, dtype).reshape(shape)
    return np.memmap(file, dtype, mode="r", offset=offset, shape=shape)
