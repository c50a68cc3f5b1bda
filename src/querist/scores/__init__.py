"""Scores turn a view into one number a row, or a unit. Higher always means "ask me first".

Pure arithmetic on the last axis; leading axes pass through, so one ``entropy`` serves images, pixels, tokens and
nodes. Where several posterior samples are compared they stand on the first axis: ``prob_samples [s ... c]``.

File = idea = function: ``querist.scores.entropy`` is the function in ``entropy.py``, imported when first asked for.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any


def __dir__() -> list[str]:
    return sorted(file.stem for file in Path(__file__).parent.glob("*.py") if not file.stem.startswith("_"))


def __getattr__(name: str) -> Any:
    if name in __dir__():
        function = getattr(importlib.import_module(f"{__name__}.{name}"), name)
        # Importing a submodule binds the module to this name; the function must win.
        globals()[name] = function
        return function
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
