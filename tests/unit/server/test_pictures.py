"""Pictures come from the folder and nowhere else, are encoded again, and the worst files cost one picture."""

from __future__ import annotations

import io
import os
import random
import signal
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from querist.core.errors import DataError
from querist.pool.pool import Pool
from querist.server import decoder
from querist.server.services import pictures
from querist.server.services.pictures import Pictures


class Named(Pool):
    """A pool whose rows are called what a test calls them."""

    def __init__(self, *keys: str) -> None:
        self._names = keys

    def key(self, row: int) -> str:
        return self._names[row]


def png(size: tuple[int, int] = (40, 20), mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, 200 if mode == "L" else (200, 100, 50)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    (tmp_path / "secret.png").write_bytes(png())
    return folder


@pytest.fixture
def made(root: Path) -> Iterator[list[Pictures]]:
    every: list[Pictures] = []
    yield every
    for each in every:
        each.close()


def test_a_picture_of_the_folder(root: Path, made: list[Pictures]) -> None:
    large = Image.new("RGB", (3000, 1000), (200, 100, 50))
    exif = Image.Exif()
    exif[0x010E] = "a secret in the description"
    large.save(root / "large.jpg", exif=exif)
    made.append(Pictures(Named("large.jpg"), root))
    content, kind = made[0].picture(0)
    assert kind == "image/jpeg"
    assert Image.open(io.BytesIO(content)).size == (1600, 533)
    assert b"secret" not in content


@pytest.mark.parametrize(
    "key", ["../secret.png", "link.png", "links/secret.png", "/etc/passwd", "a\0b", "", "pipe", "none.png"]
)
def test_nothing_outside_the_folder_is_read(key: str, root: Path, made: list[Pictures]) -> None:
    (root / "link.png").symlink_to(root.parent / "secret.png")
    (root / "links").symlink_to(root.parent)
    os.mkfifo(root / "pipe")
    made.append(Pictures(Named(key), root))
    with pytest.raises(DataError):
        made[0].picture(0)


def bomb() -> bytes:
    """A PNG that says it has 900 million pixels."""
    head = (30_000).to_bytes(4, "big") * 2 + b"\x08\x02\x00\x00\x00"
    chunk = b"IHDR" + head
    return b"\x89PNG\r\n\x1a\n" + len(head).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        png()[:60],
        bomb(),
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"GIF89a",
    ],
    ids=["empty", "header", "cut", "bomb", "eps", "svg", "gif"],
)
def test_a_file_that_is_no_picture_costs_one_picture(content: bytes, root: Path, made: list[Pictures]) -> None:
    (root / "bad.png").write_bytes(content)
    (root / "good.png").write_bytes(png())
    made.append(Pictures(Named("bad.png", "good.png"), root))
    with pytest.raises(DataError, match=r"bad\.png cannot be read"):
        made[0].picture(0)
    assert made[0].picture(1)[1] == "image/png"


def test_damaged_files_crash_nothing() -> None:
    """In this process: whatever the decoder raises is an exception, and the process that serves has a guard besides."""
    chance = random.Random(0)
    whole = png((64, 64))
    read = 0
    for _ in range(300):
        at = chance.randrange(len(whole))
        damaged = whole[:at] + chance.randbytes(chance.randrange(1, 8)) + whole[at + chance.randrange(8) :]
        try:
            read += bool(decoder.encoded(damaged))
        except Exception:
            continue
    assert read < 300


def test_a_decoder_that_dies_or_hangs_is_replaced(
    root: Path, made: list[Pictures], monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "good.png").write_bytes(png())
    made.append(Pictures(Named("good.png"), root))
    assert made[0].picture(0)
    made[0]._decoder.kill()
    made[0]._decoder.wait()
    assert made[0].picture(0)
    monkeypatch.setattr(pictures, "PATIENCE_S", 0.2)
    os.kill(made[0]._decoder.pid, signal.SIGSTOP)
    with pytest.raises(DataError, match="too long"):
        made[0].picture(0)
    monkeypatch.undo()
    assert made[0].picture(0)
