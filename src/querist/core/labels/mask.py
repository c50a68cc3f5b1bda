"""Masks: which pixels of a picture belong to a thing, as run lengths.

Paper: lin2014microsoft (the encoding is that of its public tools: columns from left to right, each from top to bottom,
and the first run counts pixels that are not in the mask).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from querist.core.errors import DataError
from querist.core.labels import fields
from querist.core.labels.pixels import count


@dataclass(frozen=True, kw_only=True)
class Mask:
    """Pixels of a thing.

    Args:
        counts: lengths of runs, outside and inside in turn; the first may be 0, no other is.
        label: class.

    Raises:
        DataError: a negative length, no pixel inside, or no class.

    Example:
        >>> mask = Mask(counts=(1, 2, 3, 2, 1), label="roof")  # in a picture of 3 x 3 pixels
        >>> mask.area, mask.bounds(3), list(mask.runs())
        (4, (0, 0, 3, 3), [(1, 3), (6, 8)])
    """

    counts: tuple[int, ...]
    label: str

    def __post_init__(self) -> None:
        lengths = [count(one, "a run") for one in fields.sequence(self.counts, "the runs")]
        object.__setattr__(self, "counts", _merged(lengths))
        if self.area == 0:
            raise DataError("a mask has no pixel inside", hint="leave it out")
        fields.class_name(self.label, "a mask")

    @property
    def area(self) -> int:
        """Pixels inside."""
        return sum(self.counts[1::2])

    def runs(self) -> Iterator[tuple[int, int]]:
        """Start and end of each run inside, in pixels counted down the columns."""
        at = 0
        for number, length in enumerate(self.counts):
            if number % 2:
                yield at, at + length
            at += length

    def bounds(self, height: int) -> tuple[int, int, int, int]:
        """The smallest box around it in a picture of this height: ``x``, ``y``, ``w``, ``h``."""
        runs = list(self.runs())
        left, right = runs[0][0] // height, (runs[-1][1] - 1) // height + 1
        # A run that goes on into the next column touches the lower and the upper edge.
        whole = any(start // height != (end - 1) // height for start, end in runs)
        top = 0 if whole else min(start % height for start, _ in runs)
        bottom = height if whole else max((end - 1) % height for _, end in runs) + 1
        return left, top, right - left, bottom - top

    def check(self, width: int, height: int) -> None:
        """Refuse runs that do not fill a picture of this size."""
        if sum(self.counts) != width * height:
            raise DataError(
                f"the runs of a mask are {sum(self.counts)} pixels, the picture has {width * height}",
                hint="count all of them",
            )

    @classmethod
    def from_plain(cls, value: Any) -> Mask:
        """The mask that an object with ``counts`` and ``label`` describes."""
        return cls(**fields.taken(value, "a mask", needs=("counts", "label")))

    def to_plain(self) -> dict[str, Any]:
        """The same as plain data."""
        return {"counts": list(self.counts), "label": self.label}


def _merged(lengths: Sequence[int]) -> tuple[int, ...]:
    """The one way to write these runs: an empty run parts nothing."""
    merged: list[int] = []
    for number, length in enumerate(lengths):
        if number and not length:
            continue
        # Even places are outside: a run of the same kind as the last one makes it longer.
        if merged and (len(merged) - 1) % 2 == number % 2:
            merged[-1] += length
        else:
            merged.append(length)
    return tuple(merged)
