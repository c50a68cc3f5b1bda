"""``npz:FILE``: arrays in NumPy's own format, or ``npz:DIR``: a folder of ``.npy`` files, memory-mapped.

Names are ``x_train``, ``y_train``, ``x_test``, ``y_test``, ``x_val``, ``y_val``; ``train_images``,
``train_labels``, ...; or ``x`` and ``y``.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from querist.core.errors import DataError
from querist.pool.columns import Columns, listed
from querist.pool.pool import Pool
from querist.pool.sources.base import TEST_SHARE, Source, existing
from querist.pool.split import SPLITS, split_named

_PAYLOADS = ("x", "images", "data", "features")
_LABELS = ("y", "labels", "targets")


class Npz(Source):
    """One array of payloads and one of labels a split."""

    def open(self, path: str, *, columns: Columns, skip_bad: bool, seed: int) -> Pool:
        place = existing(path)
        arrays = _mapped(place) if place.is_dir() else _unpacked(place)
        found: dict[str, dict[str, np.ndarray]] = {"x": {}, "y": {}}
        for name, array in arrays.items():
            role, split = _meaning(name)
            if role is None:
                continue
            if split in found[role]:
                raise DataError(f"{path} holds two arrays for the {split} {role}, one is {name!r}", hint="remove one")
            found[role][split] = array
        if "train" not in found["x"]:
            raise DataError(
                f"{path} holds no training payloads; its arrays are {listed(arrays) or 'none'}",
                hint="name them x_train, y_train, x_test, y_test, or train_images, train_labels, ..., or x, y",
            )
        given = {split: (found["x"][split], found["y"].get(split)) for split in SPLITS if split in found["x"]}
        classes = arrays["classes"].astype(str).tolist() if "classes" in arrays else None
        x, y = given["train"]
        pool = Pool.from_arrays(
            x,
            y if classes is None else _named(y, classes),
            test=_pair(given.get("test"), classes) or TEST_SHARE,
            validation=_pair(given.get("validation"), classes),
            classes=classes,
            name=place.stem,
            seed=seed,
        )
        unused = [name for name in arrays if _meaning(name)[0] is None and name != "classes"]
        if unused:
            pool.notes.append(f"arrays that are not used: {listed(unused)}")
        return pool


def _meaning(name: str) -> tuple[str | None, str]:
    """Whether an array holds payloads (``x``) or labels (``y``), and its split.

    Example:
        >>> _meaning("x_train"), _meaning("val_labels"), _meaning("x"), _meaning("participant")
        (('x', 'train'), ('y', 'validation'), ('x', 'train'), (None, ''))
    """
    words = name.lower().split("_")
    roles = ["x" if word in _PAYLOADS else "y" for word in words if word in _PAYLOADS or word in _LABELS]
    splits = [split for word in words if (split := split_named(word))]
    if len(roles) != 1 or len(roles) + len(splits) != len(words) or len(splits) > 1:
        return None, ""
    return roles[0], splits[0] if splits else "train"


def _pair(
    pair: tuple[np.ndarray, np.ndarray | None] | None, classes: list[str] | None
) -> tuple[np.ndarray, np.ndarray | None] | None:
    return None if pair is None else (pair[0], pair[1] if classes is None else _named(pair[1], classes))


def _named(y: np.ndarray | None, classes: list[str]) -> np.ndarray | None:
    """Whole numbers as the class names they count into."""
    if y is None or y.dtype.kind not in "iu" or y.ndim != 1:
        return y
    if y.size and not 0 <= int(y.min()) <= int(y.max()) < len(classes):
        raise DataError(f"labels from {y.min()} to {y.max()} do not count into {len(classes)} classes")
    return np.array(classes)[y]


def _unpacked(file: Path) -> dict[str, np.ndarray]:
    try:
        # Opened here, as NumPy leaves a damaged file open.
        with file.open("rb") as stream:
            if not stream.peek(6).startswith((b"PK\x03\x04", b"PK\x05\x06", b"\x93NUMPY")):
                raise ValueError("no NumPy file")
            loaded = np.load(stream, allow_pickle=False)
            return {"x": loaded} if isinstance(loaded, np.ndarray) else {name: loaded[name] for name in loaded.files}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        why = "it holds Python objects" if "pickle" in str(error).lower() else "it is damaged or cut short"
        if isinstance(error, PermissionError):
            why = "you may not read it"
        raise DataError(f"{file} cannot be read as arrays: {why}", hint="write it again with numpy.savez") from error


def _mapped(folder: Path) -> dict[str, np.ndarray]:
    files: Iterable[Path] = sorted(folder.glob("*.npy"))
    arrays: dict[str, np.ndarray] = {}
    for file in files:
        try:
            arrays[file.stem] = np.load(existing(str(file)), mmap_mode="r", allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise DataError(f"{file} cannot be read as an array: it is damaged or cut short") from error
    if not arrays:
        raise DataError(f"{folder} holds no .npy files", hint="give a .npz file, or a folder of x_train.npy, ...")
    return arrays
