"""Twins of the strategies, a file a family. Views arrive as plain lists.

A strategy ``NAME`` has one of five twins: ``NAME_scores(strategy, *views, at)`` gives a number a row, of which the
highest are to be picked; ``NAME_picks(strategy, *views, at, k, rng)`` gives the picks; ``NAME_law(strategy, *views, at,
picked)`` gives the chance of each candidate to be the next pick; ``NAME_value(strategy, *views, at, k, chosen)`` gives
the value of a set that grows greedily, where ties are common, and ``None`` for a set that may not be;
``NAME_cost(strategy, *views, at, chosen)`` gives what no other set of as many candidates may fall below.
"""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

from querist.views.base import Positions

FLAVOURS = ("scores", "picks", "law", "value", "cost")


def twin_of(cls: type) -> tuple[str, Callable[..., Any]] | None:
    """The flavour and the function of a strategy's twin; ``None`` if it has none here.

    Example:
        >>> from querist.strategies import Margin
        >>> twin_of(Margin)[0]
        'scores'
    """
    *package, family, name = cls.__module__.split(".")
    if package != ["querist", "strategies"] or importlib.util.find_spec(f"{__name__}.{family}") is None:
        return None
    module: ModuleType = importlib.import_module(f"{__name__}.{family}")
    for flavour in FLAVOURS:
        function = getattr(module, f"{name}_{flavour}", None)
        if function is not None:
            return flavour, function
    return None


def per_row(values: list[float], at: Positions, how: str) -> list[float]:
    """One number a row from one a unit."""
    if at.offsets is None:
        return values
    bounds = at.offsets.tolist()
    answer = []
    for start, end in itertools.pairwise(bounds):
        own = values[start:end]
        if how == "any":
            answer.append(-sum(math.log(1 - value) for value in own))
        else:
            answer.append({"mean": sum(own) / max(len(own), 1), "sum": sum(own), "max": max(own, default=0.0)}[how])
    return answer


def class_scores(z: list[float], head: list[list[float]]) -> list[float]:
    """What a last layer with its biases in the last column says of one row."""
    return [sum(w * x for w, x in zip(row[:-1], z, strict=True)) + row[-1] for row in head]
