"""Polygons: outlines in a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from querist.core.errors import DataError
from querist.core.labels import fields
from querist.core.labels.pixels import inside, pixels

Ring = tuple[tuple[float, float], ...]
"""Corners ``(x, y)`` in order, the first not repeated at the end."""


@dataclass(frozen=True, kw_only=True)
class Polygon:
    """The outline of a thing in pixels of the original picture, to a thousandth of a pixel.

    Args:
        points: its corners, three at least.
        label: class.
        also: outlines of its other parts, where something in front of it cuts it into pieces.

    Raises:
        DataError: fewer than three corners, no class, or what is no number.

    Example:
        >>> square = Polygon(points=((0, 0), (4, 0), (4, 4), (0, 4)), label="roof")
        >>> square.area, square.bounds
        (16, (0, 0, 4, 4))
    """

    points: Ring
    label: str
    also: tuple[Ring, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", _ring(self.points))
        object.__setattr__(self, "also", tuple(_ring(ring) for ring in fields.sequence(self.also, "the other parts")))
        fields.class_name(self.label, "a polygon")

    @property
    def rings(self) -> tuple[Ring, ...]:
        """All its outlines."""
        return (self.points, *self.also)

    @property
    def area(self) -> float:
        """Square pixels within the outlines."""
        return pixels(sum(_area(ring) for ring in self.rings), "the area")

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """The smallest box around it: ``x``, ``y``, ``w``, ``h``."""
        xs = [x for ring in self.rings for x, _ in ring]
        ys = [y for ring in self.rings for _, y in ring]
        return min(xs), min(ys), pixels(max(xs) - min(xs), "w"), pixels(max(ys) - min(ys), "h")

    def check(self, width: int, height: int) -> None:
        """Refuse a corner outside a picture of this size."""
        for ring in self.rings:
            for x, y in ring:
                inside(x, width, "a corner's x")
                inside(y, height, "a corner's y")

    @classmethod
    def from_plain(cls, value: Any) -> Polygon:
        """The polygon that an object with ``points``, ``label`` and perhaps ``also`` describes."""
        return cls(**fields.taken(value, "a polygon", needs=("points", "label"), may=("also",)))

    def to_plain(self) -> dict[str, Any]:
        """The same as plain data; ``also`` is left out where there is one outline."""
        plain: dict[str, Any] = {"points": [list(point) for point in self.points], "label": self.label}
        return {**plain, "also": [[list(point) for point in ring] for ring in self.also]} if self.also else plain


def _ring(value: Any) -> Ring:
    corners = fields.sequence(value, "the corners")
    if len(corners) < 3:
        raise DataError(f"a polygon has {len(corners)} corners", hint="give three at least")
    for corner in corners:
        if not isinstance(corner, list | tuple) or len(corner) != 2:
            raise DataError(f"a corner is {corner!r}", hint="give [x, y]")
    return tuple((pixels(x, "a corner's x"), pixels(y, "a corner's y")) for x, y in corners)


def _area(ring: Ring) -> float:
    """By the shoelace formula."""
    turned = (*ring[1:], ring[0])
    return abs(sum(x * v - u * y for (x, y), (u, v) in zip(ring, turned, strict=True))) / 2
