"""One writer a run: a lock on its folder, held by the process and gone with it, however it ends."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from querist.core.errors import InUse

try:
    from fcntl import LOCK_EX, LOCK_NB, flock
except ImportError:  # no such locks on this system: two processes are then not kept apart
    flock = None  # type: ignore[assignment]

_TAKEN = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES}


@contextmanager
def locked(folder: Path, *, named: Path | None = None) -> Iterator[None]:
    """Nobody else enters this for ``folder`` meanwhile. The lock follows the folder when it is renamed.

    File systems that know no locks (some network shares) are used without one.

    Args:
        folder: is there.
        named: what messages call it.

    Raises:
        InUse: another process, or another thread of this one, is inside.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, locked(Path(folder)):
        ...     with locked(Path(folder)):
        ...         pass
        Traceback (most recent call last):
        querist.core.errors.InUse: another process is at work on ...; wait until it ends, or stop it
    """
    if flock is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            flock(handle, LOCK_EX | LOCK_NB)
        except OSError as error:
            if error.errno in _TAKEN:
                raise InUse(
                    f"another process is at work on {named or folder}", hint="wait until it ends, or stop it"
                ) from None
        yield
    finally:
        os.close(handle)
