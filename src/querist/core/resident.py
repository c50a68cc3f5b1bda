"""Memory that this process has in use: now, and at most since the peak was forgotten.

Resident memory is what every outside tool shows of a process too. Pages of mapped files count while the system leaves
them in memory; it takes them back when somebody needs the room.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_MB = 1 << 20
_STATUS = Path("/proc/self/status")
_PAGES = Path("/proc/self/statm")
_CLEAR = Path("/proc/self/clear_refs")


def resident_mb() -> float:
    """Megabytes (of 2^20 bytes) in use now; the most so far where the system tells no more."""
    return _status("VmRSS") or _most()


def peak_mb() -> float:
    """The most megabytes in use since :func:`forget_peak`; since the process began where that can do nothing.

    Example:
        >>> peak_mb() > 1
        True
    """
    return _status("VmHWM") or _most()


def forget_peak() -> bool:
    """Let the peak be what is in use now; whether the system can (Linux)."""
    with suppress(OSError):
        _CLEAR.write_text("5")
        return True
    return False


@contextmanager
def watched(every_s: float = 0.002) -> Iterator[Watch]:
    """Watch the memory that the process takes for itself in the block, mapped files and program text left out.

    Args:
        every_s: seconds between two looks; what comes and goes in between is not seen.

    Example:
        >>> with watched() as watch:
        ...     table = bytearray(50 << 20)
        >>> round(watch.taken_mb, -1) >= 50
        True
    """
    watch = Watch(private_mb())
    over = threading.Event()

    def look() -> None:
        while not over.wait(every_s):
            watch.see(private_mb())

    thread = threading.Thread(target=look, name="memory", daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch.see(private_mb())
        over.set()
        thread.join()


class Watch:
    """The most memory taken since it began.

    Args:
        start_mb: what was in use then.
    """

    def __init__(self, start_mb: float) -> None:
        self._start = self._most = start_mb

    def see(self, mb: float) -> None:
        """Take note of what is in use now."""
        self._most = max(self._most, mb)

    @property
    def taken_mb(self) -> float:
        """Megabytes over what was in use at the start."""
        return self._most - self._start


def private_mb() -> float:
    """Megabytes in use that no file stands behind; all that is in use where the system tells no more."""
    with suppress(OSError):
        _, resident, shared, *_ = _PAGES.read_text(encoding="ascii").split()
        return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE") / _MB
    return _most()


def release_freed() -> None:
    """Give memory that was freed, and that the allocator keeps for later, back to the system (Linux)."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _status(field: str) -> float | None:
    """A number that the kernel keeps of this process, in MB."""
    with suppress(OSError):
        for line in _STATUS.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) / 1024
    return None


def _most() -> float:
    with suppress(ImportError):
        import resource

        # Bytes on macOS, kilobytes elsewhere.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (_MB if sys.platform == "darwin" else 1024)
    return 0.0
