"""Pictures that lie beside labels: found by name, and measured without decoding them."""

from __future__ import annotations

from pathlib import Path

from querist.core.errors import DataError

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif")
_LYING = range(5, 9)
"""EXIF orientations that turn a picture on its side."""
_ORIENTATION = 0x0112


def pictures_below(path: Path) -> Path | None:
    """The picture called like ``path``, whatever its ending; ``None`` if there is none."""
    if not path.parent.is_dir():
        return None
    named = [file for file in path.parent.iterdir() if file.stem == path.stem and file.suffix.lower() in SUFFIXES]
    return min(named, default=None)


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height of a picture as a browser shows it, upright.

    Raises:
        DataError: no picture, or a damaged one.
    """
    from PIL import Image

    try:
        with Image.open(path) as image:
            width, height = image.size
            return (height, width) if image.getexif().get(_ORIENTATION) in _LYING else (width, height)
    except Exception as error:  # Pillow's readers raise nearly every type for damaged files
        raise DataError(f"{path} cannot be read as an image: {error}", hint="repair it") from error
