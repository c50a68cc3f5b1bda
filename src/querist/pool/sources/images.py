"""``images:DIR``: photos in folders named after their classes, or in one folder without labels.

A top level of ``train``, ``val`` and ``test`` folders is the split. Folders below a class folder belong to that
class; photos beside the class folders have no label. Photos are taken as a phone wrote them (see
:mod:`querist.pool.images`).
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from querist.core.errors import DataError
from querist.pool.columns import Columns, listed
from querist.pool.images import SUFFIXES, ImagePayloads
from querist.pool.part import Part
from querist.pool.pool import Pool
from querist.pool.sources.base import TEST_SHARE, Source, existing
from querist.pool.split import split_named


class Images(Source):
    """Image files; their paths below the folder are their keys."""

    def open(self, path: str, *, columns: Columns, skip_bad: bool, seed: int) -> Pool:
        folder = existing(path, want="folder")
        keys, others = _image_files(folder)
        if not keys:
            found = f"only {listed(others)}" if others else "it is empty"
            raise DataError(
                f"{path} holds no images: {found}", hint="give a folder of class folders, such as cats/ and dogs/"
            )
        splits, labels = _meanings(keys)
        names = [str(folder / key) for key in keys]
        images = ImagePayloads([folder / key for key in keys], names, skip_bad=skip_bad)
        if not images.kept:
            raise DataError(f"none of the {len(keys)} images in {path} can be read: {images.skipped[0]}")
        notes = [f"skipped: {why}" for why in images.skipped]
        if others:
            notes.append(f"files that are no images are left out: {listed(others)}")
        known = {label for label in labels if label is not None}
        if known and None in labels:
            notes.append(f"{labels.count(None)} images lie in no class folder and have no label")
        part = Part(
            payloads=images,
            labels=[labels[at] for at in images.kept],
            keys=[keys[at] for at in images.kept],
            split=[splits[at] for at in images.kept],
        )
        return Pool([part], modality="image", name=folder.resolve().name, test=TEST_SHARE, notes=notes, seed=seed)


def _image_files(folder: Path) -> tuple[list[str], list[str]]:
    """Paths of the images below ``folder``, and of other files; hidden ones are neither."""
    images: list[str] = []
    others: list[str] = []
    for file in sorted(folder.rglob("*")):
        below = file.relative_to(folder)
        if any(part.startswith((".", "__MACOSX")) for part in below.parts) or not file.is_file():
            continue
        (images if file.suffix.lower() in SUFFIXES else others).append(below.as_posix())
    return images, others


def _meanings(keys: list[str]) -> tuple[list[str], list[str | None]]:
    """The split and the class that each path says.

    Example:
        >>> _meanings(["train/cat/1.jpg", "train/dog/old/2.jpg", "val/cat/3.jpg"])
        (['train', 'train', 'validation'], ['cat', 'dog', 'cat'])
        >>> _meanings(["photos/cat/1.jpg", "photos/dog/2.jpg", "photos/3.jpg"])
        (['train', 'train', 'train'], ['cat', 'dog', None])
    """
    folders = _unwrapped([PurePosixPath(key).parts[:-1] for key in keys])
    splits = ["train"] * len(keys)
    found = {parts[0]: split_named(parts[0]) for parts in folders if parts}
    # All of them must be words for splits, and training among them: a class may well be called "train".
    if all(found.values()) and "train" in found.values():
        splits = [(found[parts[0]] if parts else None) or "train" for parts in folders]
        folders = [parts[1:] for parts in folders]
    return splits, [parts[0] if parts else None for parts in folders]


def _unwrapped(folders: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """``folders`` without the outer ones that hold everything, as long as some folder is left to be a class."""
    while len({parts[:1] for parts in folders}) == 1 and any(len(parts) > 1 for parts in folders):
        folders = [parts[1:] for parts in folders]
    return folders
