"""Selectors look at all rows together and return ``k`` positions: the only global step of a strategy.

    f(points, *, k, labelled=None, candidates=None, rng=None) -> Int[Tensor, "k"]

``points`` is a torch tensor or a numpy array, ``labelled`` and ``candidates`` are positions in it; labelled ones are
never returned; ``rng=None`` means a fresh generator with seed 0, never the global one; the answer lists positions in
the order picked. Gradient embeddings are passed as :class:`querist.selectors.points.FactoredPoints`.

File = idea = function: ``querist.selectors.k_center`` is the function in ``k_center.py``, imported when first asked
for.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

_NO_SELECTORS = {"base", "points"}


def __dir__() -> list[str]:
    files = (file.stem for file in Path(__file__).parent.glob("*.py"))
    return sorted(stem for stem in files if not stem.startswith("_") and stem not in _NO_SELECTORS)


def __getattr__(name: str) -> Any:
    if name in __dir__():
        function = getattr(importlib.import_module(f"{__name__}.{name}"), name)
        # Importing a submodule binds the module to this name; the function must win.
        globals()[name] = function
        return function
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
