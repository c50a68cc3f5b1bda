"""Encoded images as payloads: decoded when asked, small, upright, and a bounded number kept.

A 12 megapixel photo is 36 MB once decoded and a network looks at a few hundred pixels, so JPEG files are decoded at
a fraction of their size (Pillow's draft mode: the decoder skips the fine frequencies) and then scaled.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import ExifTags, Image, ImageOps

from querist.core.errors import DataError
from querist.core.optional import installed
from querist.pool.payloads import Payloads, stacked

MAX_SIDE = 320
"""Longest side of a decoded image, in pixels: the usual 224 pixels of an encoder, with room to crop."""

SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".heic", ".heif", ".avif")
)
"""File names that are taken for images."""

_HEIC = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
_GREY = {"1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "F"}

A = TypeVar("A")
B = TypeVar("B")


class ImagePayloads(Payloads):
    """Images in files, or in memory as encoded bytes.

    All images of a column have the same colours: grey ``[h w]`` if every one is grey, else ``[h w 3]``. Every image
    is decoded once when the column is made, so a broken one is found before anything is asked of it.

    Args:
        sources: paths, or encoded images.
        names: what messages call them.
        max_side: longest side after decoding, in pixels; smaller images keep their size.
        cache_mb: decoded images kept, the latest used.
        skip_bad: leave unreadable images out (their names are in ``skipped``) instead of refusing them.

    Raises:
        DataError: an image cannot be read; names it.
    """

    def __init__(
        self,
        sources: Sequence[Path | bytes],
        names: Sequence[str],
        *,
        max_side: int = MAX_SIDE,
        cache_mb: int = 512,
        skip_bad: bool = False,
    ) -> None:
        self.max_side = max_side
        self._room = cache_mb * 2**20
        self._cache: dict[int, np.ndarray] = {}
        self._threads = _threads_for(sources)
        looks = _mapped(lambda at: _first_look(sources[at], names[at], max_side), range(len(sources)), self._threads)
        errors = [look for look in looks if isinstance(look, DataError)]
        if errors and not skip_bad:
            more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
            raise DataError(
                errors[0].message + more, hint=errors[0].hint or "repair it, or skip such files: --skip-bad"
            )
        self.kept = [at for at, look in enumerate(looks) if not isinstance(look, DataError)]
        """Places of ``sources`` that could be read."""
        self.skipped = [str(error.message) for error in errors]
        self._sources = [sources[at] for at in self.kept]
        self._names = [names[at] for at in self.kept]
        good = [look for look in looks if not isinstance(look, DataError)]
        self._digests = [look[1] for look in good]
        self.colour = any(image.ndim == 3 for image, _ in good)
        for pos, (image, _) in enumerate(good):
            self._keep(pos, _with_colour(image) if self.colour else image)

    def __len__(self) -> int:
        return len(self._sources)

    @property
    def digests(self) -> list[bytes]:
        return self._digests

    def take(self, positions: np.ndarray) -> np.ndarray | list[Any]:
        wanted = positions.tolist()
        missing = [pos for pos in dict.fromkeys(wanted) if pos not in self._cache]
        read = dict(zip(missing, _mapped(self._read, missing, self._threads), strict=True))
        images = [read[pos] if pos in read else self._kept(pos) for pos in wanted]
        for pos, image in read.items():
            self._keep(pos, image)
        return stacked(images)

    def _kept(self, pos: int) -> np.ndarray:
        # Taken out and put back: the dictionary's order is the order of last use. Another thread may have been faster.
        image = self._cache.pop(pos, None)
        if image is None:
            return self._read(pos)
        self._cache[pos] = image
        return image

    def _read(self, pos: int) -> np.ndarray:
        name = self._names[pos]
        image = decoded(_content(self._sources[pos], name), name, max_side=self.max_side)
        if image.ndim == 3 and not self.colour:
            raise DataError(f"{name} has changed since the pool was opened", hint="open the data again")
        return _with_colour(image) if self.colour else image

    def _keep(self, pos: int, image: np.ndarray) -> None:
        before = self._cache.pop(pos, None)
        self._room += (0 if before is None else before.nbytes) - image.nbytes
        self._cache[pos] = image
        while self._room < 0 and self._cache:
            gone = self._cache.pop(next(iter(self._cache)), None)
            self._room += 0 if gone is None else gone.nbytes


def decoded(content: bytes, name: str, *, max_side: int = MAX_SIDE) -> np.ndarray:
    """An encoded image upright and no larger than ``max_side``: ``uint8 [h w]`` if it is grey, else ``[h w 3]``.

    Args:
        content: the bytes of a JPEG, PNG, ... file.
        name: what an error calls it.
        max_side: longest side, in pixels.

    Raises:
        DataError: not an image, or a damaged one.
    """
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC and not _reads_heic():
        raise DataError(f"{name} is a HEIC image, which needs pillow-heif", hint="pip install 'querist[heic]'")
    try:
        with Image.open(io.BytesIO(content)) as image:
            # For a JPEG this asks the decoder for no more than twice the wanted size, and scales from there.
            image.thumbnail((max_side, max_side), reducing_gap=2.0)
            turned = image.getexif().get(ExifTags.Base.Orientation, 1) != 1
            return _levels(ImageOps.exif_transpose(image) if turned else image)
    except Exception as error:  # Pillow's readers raise nearly every type for damaged files
        why = str(error) if content else "the file is empty"
        if isinstance(error, Image.UnidentifiedImageError):
            why = "no image format that can be read here" if content else why
        raise DataError(f"{name} cannot be read as an image: {why}") from error


def looks_encoded(content: object) -> bool:
    """Whether ``content`` are the bytes of an image file, by their first bytes."""
    starts = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"RIFF", b"II*\0", b"MM\0*", b"P5", b"P6")
    return isinstance(content, bytes) and (content.startswith(starts) or content[4:8] == b"ftyp")


def _levels(image: Image.Image) -> np.ndarray:
    """8-bit levels; what is transparent is shown on white."""
    if image.mode.startswith("I"):
        # 16-bit greys: Pillow's own conversion clips them at 255.
        deep = np.asarray(image).astype(np.int64)
        return (deep >> 8 if deep.size and deep.max() > 255 else deep).clip(0, 255).astype(np.uint8)
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        whole = image.convert("RGBA")
        white = Image.new("RGBA", whole.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, whole).convert("L" if image.mode in _GREY else "RGB")
    elif image.mode not in ("L", "RGB"):
        image = image.convert("L" if image.mode in _GREY else "RGB")
    return np.asarray(image)


def _with_colour(image: np.ndarray) -> np.ndarray:
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=-1)


def _content(source: Path | bytes, name: str) -> bytes:
    if isinstance(source, bytes):
        return source
    try:
        return source.read_bytes()
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror or error}", hint="put the file back") from error


def _first_look(source: Path | bytes, name: str, max_side: int) -> tuple[np.ndarray, bytes] | DataError:
    """The image and a hash of its file, or what is wrong with it."""
    try:
        content = _content(source, name)
        return decoded(content, name, max_side=max_side), blake2b(content, digest_size=16).digest()
    except DataError as error:
        return error


def _threads_for(sources: Sequence[Path | bytes]) -> int:
    """Threads that decoding is worth: the decoder releases the interpreter's lock, but for small images the rest does
    not, and threads then cost more than they bring.
    """
    sizes = [source.stat().st_size if isinstance(source, Path) and source.exists() else 0 for source in sources[:100]]
    sizes += [len(source) for source in sources[:100] if isinstance(source, bytes)]
    large = sum(sizes) > 50_000 * min(len(sources), 100)
    return min(os.cpu_count() or 1, 8) if large else 1


def _mapped(work: Callable[[A], B], items: Sequence[A], threads: int) -> list[B]:
    """``work`` of every item, in order."""
    if threads == 1 or len(items) < 2 * threads:
        return [work(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, items))


def _reads_heic() -> bool:
    """Teach Pillow HEIC if the extra is there."""
    if not installed("pillow_heif"):
        return False
    import pillow_heif

    pillow_heif.register_heif_opener()
    return True
