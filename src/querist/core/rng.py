"""Seeds as a tree: every draw has a name, so adding a draw or resuming a run never shifts another one.

``child_seed(seed, "fit", round)`` depends on its path alone. Nothing here reads or moves a global generator.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch

Step = str | int


def child_seed(seed: int, *path: Step) -> int:
    """The seed that stands at ``path`` below ``seed``: 63 bits of a hash, the same on every machine.

    Args:
        seed: the run's seed.
        path: names and numbers, from the general to the particular (``"fit"``, round, member).

    Example:
        >>> child_seed(0, "fit", 3) == child_seed(0, "fit", 3) != child_seed(0, "fit", 4)
        True
    """
    text = "/".join(_spelled(step) for step in (int(seed), *path))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def _spelled(step: Step) -> str:
    """A step as text that no other step, and no two steps, can spell."""
    if not isinstance(step, str):
        return f"int:{int(step)}"  # numpy's integers are the same child as Python's
    # The separator is escaped, because names hold it ("hf:path/to/model").
    return f"str:{step.replace('%', '%25').replace('/', '%2F')}"


def generator(seed: int, *path: Step) -> torch.Generator:
    """A fresh torch generator (CPU) seeded by the child at ``path``.

    Example:
        >>> a, b = generator(0, "ask", 1), generator(0, "ask", 1)
        >>> import torch
        >>> bool((torch.rand(3, generator=a) == torch.rand(3, generator=b)).all())
        True
    """
    import torch

    return torch.Generator().manual_seed(child_seed(seed, *path))


def numpy_generator(seed: int, *path: Step) -> np.random.Generator:
    """A fresh numpy generator seeded by the child at ``path``."""
    import numpy as np

    return np.random.default_rng(child_seed(seed, *path))
