"""How far the work is: what was answered, by class and by person, and how good the model is on rows that measure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from querist.server.services.acts import HELD_OUT, MAIN
from querist.storage.answers import tallies
from querist.storage.journal import Journal

Z = 1.959964
"""Half width of a normal interval of 95%, in standard deviations."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a project stands.

    Args:
        rows: that people may be asked for.
        label: answers that are labels, those that measure included.
        unsure: answers of people who cannot tell.
        skip: rows skipped, by whom they still are.
        flag: flags that nobody has lowered.
        measuring: labels of the slice that only measures.
        classes: labels by class.
        curve: one entry for each training: labels it knew, its score on the slice that measures, with an interval.
        worker: what the background process last said.
    """

    rows: int
    label: int
    unsure: int
    skip: int
    flag: int
    measuring: int
    classes: dict[str, int]
    curve: list[dict[str, Any]] = field(default_factory=list)
    worker: dict[str, Any] = field(default_factory=dict)


def progress(journal: Journal, *, rows: int) -> Progress:
    """Where a project stands now, from counts that are kept and not counted.

    Args:
        journal: of the project.
        rows: that people may be asked for.
    """
    with journal.reading() as connection:
        main, held = tallies(connection, MAIN), tallies(connection, HELD_OUT)
    total = {name: main.get(name, 0) + held.get(name, 0) for name in {*main, *held}}
    curve = [
        {"labels": each.labels, **each.metrics, "model_version": each.model_version}
        for each in journal.rounds(MAIN)
        if each.closed
    ]
    return Progress(
        rows=rows,
        **{kind: total.get(kind, 0) for kind in ("label", "unsure", "skip", "flag")},
        measuring=held.get("label", 0),
        classes={name.removeprefix("class/"): total[name] for name in sorted(total) if name.startswith("class/")},
        curve=curve,
        worker=journal.meta("worker", {}),
    )


def wilson(right: int, of: int) -> tuple[float, float]:
    """Wilson's interval of 95% for a share: it stays between 0 and 1, and says little where little was seen.

    Example:
        >>> [round(bound, 3) for bound in wilson(9, 10)], wilson(0, 0)
        ([0.596, 0.982], (0.0, 1.0))
    """
    if of == 0:
        return 0.0, 1.0
    share, z2 = right / of, Z * Z
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = Z / (1 + z2 / of) * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)
