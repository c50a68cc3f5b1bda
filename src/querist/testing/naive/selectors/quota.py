"""The twin of ``quota`` around k-center, on plain lists."""

from __future__ import annotations

import itertools
import math
from collections import Counter

from querist.core.types import Generator
from querist.testing.naive import Vector


def quota_picks(
    points: list[Vector],
    *,
    k: int,
    labelled: list[int],
    candidates: list[int],
    rng: Generator,
    groups: list[int] | None = None,
    at_most: int | None = None,
    at_least: int | None = None,
    costs: Vector | None = None,
    budget: float | None = None,
) -> list[int]:
    """The farthest from all that is taken, of those after which a batch within the limits can still be had."""
    del rng
    free = [pos for pos in candidates if pos not in labelled]

    def fits(batch: list[int]) -> bool:
        if costs is not None and budget is not None and sum(costs[pos] for pos in batch) > budget + 1e-9:
            return False
        if groups is None:
            return True
        counts = Counter(groups[pos] for pos in batch)
        most = at_most is None or max(counts.values()) <= at_most
        return most and (at_least is None or all(counts[group] >= at_least for group in set(groups)))

    def allowed(pos: int) -> bool:
        others = [other for other in free if other != pos and other not in picked]
        limited = groups is not None or costs is not None
        rests = itertools.combinations(others, k - len(picked) - 1) if limited else [()]
        return any(fits([*picked, pos, *rest]) for rest in rests)

    picked: list[int] = []
    while len(picked) < k:
        taken = [*labelled, *picked]
        open_ = [pos for pos in free if pos not in picked and allowed(pos)]
        picked.append(max(open_, key=lambda pos: min(math.dist(points[pos], points[other]) for other in taken)))
    return picked
