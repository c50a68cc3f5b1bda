"""Which device to work on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from querist.core.errors import UsageError

if TYPE_CHECKING:
    import torch


def pick_device(name: str = "auto") -> torch.device:
    """The device called ``name``; ``auto`` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        UsageError: the device is not on this machine.

    Example:
        >>> pick_device("cpu").type
        'cpu'
    """
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        # Torch lists every kind of device it was ever built for.
        reason = str(error).splitlines()[0].partition("Expected one of")[0].rstrip() or "there is no such kind"
        raise UsageError(
            f"device {name!r} cannot be used: {reason}", hint="try auto, cpu, cuda, cuda:1 or mps"
        ) from None
    return device


def machine_memory() -> int | None:
    """Bytes of the machine, or of the container if it is held to less; ``None`` where nobody says."""
    sizes = []
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        sizes.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for limit in (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")):
        if limit.is_file() and limit.read_text().strip().isdigit():
            sizes.append(int(limit.read_text()))
    return min(sizes, default=None)


@contextmanager
def threads(count: int | None) -> Iterator[int]:
    """Torch computes with ``count`` threads inside, and with as many as before afterwards; gives the number.

    Sums are split by threads, so another number of them gives other last digits, and after a few rounds other picks.

    Args:
        count: threads; those that torch has now if ``None``.

    Example:
        >>> with threads(1) as count:
        ...     count
        1
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield count or before
    finally:
        torch.set_num_threads(before)
