"""Twins of the selectors, on plain lists: the twin of ``NAME`` is in the file ``NAME.py``.

Where the answer is certain the twin ``NAME_picks`` gives it. Where it is drawn, ``NAME_law`` gives the chance of every
position to come next, and the checks count draws. Where it is greedy and ties are common, ``NAME_value`` gives the
value of a set, and the checks ask whether another pick would have gained more. Where the set as a whole is to be the
best, ``NAME_cost`` gives what is to be as small as it can be, and the checks try every other set. ``rng`` is used only
where the answer is a function of a start that was drawn.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

FLAVOURS = ("picks", "law", "value", "cost")


def twin_of(name: str) -> tuple[str, Callable[..., Any]] | None:
    """The flavour and the function of a selector's twin; ``None`` if it has none here.

    Example:
        >>> twin_of("k_center")[0], twin_of("no_such_selector")
        ('picks', None)
    """
    if importlib.util.find_spec(f"{__name__}.{name}") is None:
        return None
    module = importlib.import_module(f"{__name__}.{name}")
    for flavour in FLAVOURS:
        function = getattr(module, f"{name}_{flavour}", None)
        if function is not None:
            return flavour, function
    return None
