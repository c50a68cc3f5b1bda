"""Scratch folders that live as long as the object that needs them."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path


def scratch_folder(owner: object, purpose: str) -> Path:
    """A fresh temporary folder, removed when ``owner`` is collected or the process ends in good order.

    Args:
        owner: must allow weak references.
        purpose: a word for the folder's name.

    Example:
        >>> class Owner: ...
        >>> owner = Owner()
        >>> folder = scratch_folder(owner, "example")
        >>> folder.is_dir()
        True
        >>> del owner
        >>> folder.exists()
        False
    """
    folder = tempfile.mkdtemp(prefix=f"querist-{purpose}-")
    weakref.finalize(owner, shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
