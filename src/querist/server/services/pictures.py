"""Pictures as the page shows them: by row, never by path, decoded in a process of its own and encoded again."""

from __future__ import annotations

import os
import selectors
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, cast

import numpy as np

from querist.core.errors import DataError
from querist.pool.pool import Pool

MOST_BYTES = 100 * 2**20
"""Size of a picture's file."""
PATIENCE_S = 20.0
"""How long one picture may take."""


class Pictures:
    """Pictures of a pool's rows.

    Args:
        pool: whose rows they are.
        root: the folder that holds them; ``None`` where the pool holds the pixels themselves.
    """

    def __init__(self, pool: Pool, root: Path | None) -> None:
        self._pool = pool
        self._root = None if root is None else root.resolve()
        self._decoder: subprocess.Popen[bytes] | None = None
        # One picture at a time: two would be two processes that each may take all of the memory allowed.
        self._turn = threading.Lock()

    def picture(self, row: int) -> tuple[bytes, str]:
        """The picture of ``row`` and its media type.

        Raises:
            DataError: it is gone, or cannot be read.
        """
        if self._root is None:
            return _from_pixels(self._pool[row])
        content = _content(self._root, self._pool.key(row))
        with self._turn:
            return self._decoded(content, self._pool.key(row))

    def close(self) -> None:
        """End the process that decodes."""
        with self._turn:
            self._end()

    def _decoded(self, content: bytes, name: str) -> tuple[bytes, str]:
        if self._decoder is not None and self._decoder.poll() is not None:
            self._end()
        if self._decoder is None:
            command = [sys.executable, "-m", "querist.server.decoder"]
            self._decoder = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        reader = _Patient(cast("IO[bytes]", self._decoder.stdout), PATIENCE_S)
        try:
            requests = cast("IO[bytes]", self._decoder.stdin)
            requests.write(f"{len(content)}\n".encode())
            requests.write(content)
            requests.flush()
            kind, length, why = [*reader.line().split(" ", 2), ""][:3]
            if kind == "-":
                raise DataError(f"{name} cannot be read as a picture: {why}")
            return reader.bytes(int(length)), kind
        except (OSError, EOFError, TimeoutError, ValueError):
            self._end()
            raise DataError(f"{name} cannot be read as a picture: it took too long or too much memory") from None

    def _end(self) -> None:
        if self._decoder is not None:
            self._decoder.kill()
            self._decoder.communicate()
            self._decoder = None


class _Patient:
    """Reads a pipe until a time."""

    def __init__(self, pipe: IO[bytes], patience_s: float) -> None:
        self._pipe = pipe
        self._until = time.monotonic() + patience_s
        self._left = b""

    def line(self) -> str:
        while b"\n" not in self._left:
            self._more()
        line, _, self._left = self._left.partition(b"\n")
        return line.decode("utf-8", "replace")

    def bytes(self, length: int) -> bytes:
        while len(self._left) < length:
            self._more()
        found, self._left = self._left[:length], self._left[length:]
        return found

    def _more(self) -> None:
        with selectors.DefaultSelector() as ready:
            ready.register(self._pipe, selectors.EVENT_READ)
            if not ready.select(max(0.0, self._until - time.monotonic())):
                raise TimeoutError
        part = os.read(self._pipe.fileno(), 1 << 20)
        if not part:
            raise EOFError
        self._left += part


def _from_pixels(payload: object) -> tuple[bytes, str]:
    from PIL import Image

    from querist.server.decoder import encoded_pixels

    if not isinstance(payload, np.ndarray) or payload.dtype != np.uint8 or payload.ndim not in (2, 3):
        raise DataError("this row is no picture", hint="ask for its text")
    return encoded_pixels(Image.fromarray(payload))


def _content(root: Path, key: str) -> bytes:
    """The file of a key of the pool: below ``root`` whatever links say, a plain file, and not too large."""
    path = root / key
    try:
        if path.resolve() != path or not path.is_relative_to(root):
            raise DataError(f"{key} lies behind a link", hint="put the file itself into the folder")
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode) or found.st_size > MOST_BYTES:
                raise DataError(f"{key} is no plain file of up to {MOST_BYTES:,} bytes")
            return file.read(MOST_BYTES)
    except (OSError, ValueError) as error:
        raise DataError(f"{key} cannot be read: {getattr(error, 'strerror', None) or error}") from None
