"""The twin of ``facility``, on plain lists."""

from __future__ import annotations

import math

from querist.testing.naive import Vector


def facility_value(
    points: list[Vector],
    chosen: list[int],
    *,
    function: str = "facility_location",
    labelled: list[int],
    candidates: list[int],
    query: list[int] | None = None,
    private: list[int] | None = None,
    query_weight: float = 1.0,
    private_weight: float = 1.0,
    penalty: float = 0.5,
    saturation: float = 0.1,
    noise: float = 1.0,
) -> float:
    """The value of labelled and chosen positions together, as the formulas say it."""

    def cosine(x: int, y: int) -> float:
        lengths = math.hypot(*points[x]) * math.hypot(*points[y])
        return sum(a * b for a, b in zip(points[x], points[y], strict=True)) / lengths if lengths else 0.0

    def like(x: int, y: int) -> float:
        return max(cosine(x, y), 0.0)

    def log_determinant(chosen: list[int]) -> float:
        """Of the kernel of these positions, from the pivots that plain elimination leaves."""
        matrix = [[cosine(x, y) + noise * (i == j) for j, y in enumerate(chosen)] for i, x in enumerate(chosen)]
        total = 0.0
        for step, row in enumerate(matrix):
            total += math.log(row[step])
            for below in matrix[step + 1 :]:
                share = below[step] / row[step]
                below[:] = [b - share * a for b, a in zip(below, row, strict=True)]
        return total

    open_ = [pos for pos in candidates if pos not in labelled]
    held, wanted, shunned = [*labelled, *chosen], query or [], private or []
    value = 0.0
    if function == "facility_location":
        for x in open_:
            cap = query_weight * max(like(x, q) for q in wanted) if wanted else math.inf
            floor = max((private_weight * like(x, p) for p in shunned), default=0.0)
            floor = max([floor, *(like(x, y) for y in labelled)])
            value += max(min(max((like(x, a) for a in chosen), default=0.0), cap) - floor, 0.0)
    elif function == "query_location":
        value = sum(max(((1 + cosine(q, a)) / 2 for a in chosen), default=0.0) for q in wanted)
        value += query_weight * sum(max((1 + cosine(a, q)) / 2 for q in wanted) for a in chosen)
    elif function == "graph_cut":
        for a in chosen:
            value -= 2 * penalty * private_weight * sum(like(a, p) for p in shunned)
            value += 2 * penalty * query_weight * sum(like(a, q) for q in wanted)
            value += 0.0 if wanted else sum(like(x, a) for x in open_)
        value -= 0.0 if wanted else penalty * sum(like(a, b) for a in held for b in held)
    elif function == "log_determinant":
        value = log_determinant([*shunned, *held])
        value -= log_determinant([*wanted, *shunned, *held]) if wanted else 0.0
    else:
        for x in open_:
            cap = saturation * sum(like(x, y) for y in open_)
            value += min(sum(like(x, a) for a in held), cap)
    return value
