"""A process of its own that decodes pictures: ``python -m querist.server.decoder``.

Picture files come from strangers, and decoders have had faults. This process has a limit on memory, reads no files,
and writes nothing but pixels that it has encoded itself: no metadata, no scripts, no other formats. If it dies or
takes too long, the server starts another one and that picture is unreadable.

A request is a line with the length of the file, and the file; an answer a line with a media type and a length (or
``- 0`` and why), and the picture.
"""

from __future__ import annotations

import io
import sys
import warnings
from typing import BinaryIO

from PIL import Image, ImageOps

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "HEIF")
"""What is decoded. Others (EPS, FITS, ...) start programs, or have been bombs."""
MOST_PIXELS = 50_000_000
MEMORY = 2**30
MAX_SIDE = 1600


def encoded(content: bytes) -> tuple[bytes, str]:
    """The picture upright, no larger than :data:`MAX_SIDE`, encoded again, and its media type.

    Raises:
        Exception: nearly any, for damaged files.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            image.thumbnail((MAX_SIDE, MAX_SIDE), reducing_gap=2.0)
            upright = ImageOps.exif_transpose(image)
    return encoded_pixels(upright)


def encoded_pixels(image: Image.Image) -> tuple[bytes, str]:
    """Pixels as JPEG, or as PNG where they are few or some are transparent; and the media type."""
    lossless = image.mode in ("LA", "PA", "RGBA", "1") or "transparency" in image.info or max(image.size) <= 128
    file = io.BytesIO()
    if lossless:
        kept = image if image.mode in ("L", "LA", "RGB", "RGBA") else image.convert("RGBA")
        kept.save(file, "PNG", optimize=False)
        return file.getvalue(), "image/png"
    image.convert("L" if image.mode == "L" else "RGB").save(file, "JPEG", quality=90)
    return file.getvalue(), "image/jpeg"


def main(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until there are no more."""
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    while line := requests.readline():
        content = requests.read(int(line))
        try:
            picture, kind = encoded(content)
        except (Exception, MemoryError) as error:
            why = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            answers.write(f"- 0 {why}\n".encode("utf-8", "replace"))
        else:
            answers.write(f"{kind} {len(picture)}\n".encode())
            answers.write(picture)
        answers.flush()


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # no such limits on this system
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    _limit_memory()
    main(sys.stdin.buffer, sys.stdout.buffer)
