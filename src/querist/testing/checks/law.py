"""Whether draws follow a law: frequencies of pairs of picks against the chances that a naive twin gives."""

from __future__ import annotations

from collections.abc import Callable

from scipy.stats import chi2

from querist.testing.checks.base import require

_LEVEL = 1e-4
"""Chance that a right law is refused."""


def obeys_law(
    draw: Callable[[int], list[int]], law: Callable[[list[int]], dict[int, float]], *, draws: int = 400
) -> None:
    """Chi-square test of ordered pairs.

    Args:
        draw: two picks, from a seed.
        law: chance of each position to be the next pick, from the picks so far.
        draws: how many seeds are tried.

    Raises:
        CheckFailed: a pair came that should never come, or pairs come too often or too rarely.
    """
    seen: dict[tuple[int, int], int] = {}
    for seed in range(draws):
        first, second = draw(seed)
        seen[first, second] = seen.get((first, second), 0) + 1
    expected = {(a, b): draws * p * q for a, p in law([]).items() for b, q in law([a]).items() if p * q > 0}
    require(set(seen) <= set(expected), f"picks that should never come: {set(seen) - set(expected)}")
    # Pairs too rare for the test are thrown together.
    rare = [pair for pair, count in expected.items() if count < 5]
    groups = [[pair] for pair in expected if pair not in rare] + ([rare] if rare else [])
    statistic = 0.0
    for group in groups:
        want = sum(expected[pair] for pair in group)
        statistic += (sum(seen.get(pair, 0) for pair in group) - want) ** 2 / want
    limit = float(chi2.ppf(1 - _LEVEL, max(len(groups) - 1, 1)))
    require(statistic < limit, f"draws do not follow the law (chi-square {statistic:.0f} > {limit:.0f})")
