"""Files and folders that are there whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from querist.core.errors import NotDurable, UsageError


@contextmanager
def atomic_write(path: str | Path) -> Iterator[BinaryIO]:
    """A file to write, which takes the place of ``path`` once it is complete and on the disk.

    If anything fails, what stood at ``path`` before still stands there, and nothing else is left behind.

    Raises:
        NotDurable: full disk, or a folder that is missing or cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with atomic_write(f"{folder}/curve.csv") as file:
        ...         _ = file.write(b"labels,value")
        ...     os.listdir(folder)
        ['curve.csv']
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        _remove(part)
        raise NotDurable(
            f"{path} cannot be written: {error.strerror or error}", hint="make room or choose another folder"
        ) from error
    except BaseException:
        _remove(part)
        raise


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """A folder to fill, which gets the name ``path`` once it is complete and on the disk.

    A folder cannot take the place of another in one step, and may hold more than labels, so one with something in it
    is refused.

    Raises:
        UsageError: ``path`` is a file, or a folder that is not empty.
        NotDurable: full disk, or a folder that is missing or cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as outer:
        ...     with atomic_folder(f"{outer}/labels") as folder:
        ...         _ = (folder / "a.txt").write_text("0 0.5 0.5 1 1")
        ...     os.listdir(f"{outer}/labels")
        ['a.txt']
    """
    path = Path(path)
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise UsageError(f"{path} is there already", hint="name another folder, or remove it first")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.mkdir()
        yield part
        os.sync()  # all of its files at once
        part.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise NotDurable(
            f"{path} cannot be written: {error.strerror or error}", hint="make room or choose another folder"
        ) from error
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _remove(part: Path) -> None:
    # The error on its way out says what went wrong; a second one would hide it.
    with suppress(OSError):
        part.unlink()


def _flush_folder(folder: Path) -> None:
    """Make the new name durable too: a rename lives in the folder, not in the file."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
