"""Regions: the things of a picture, each with its outline or its pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from querist.core.labels import fields
from querist.core.labels.mask import Mask
from querist.core.labels.pixels import count
from querist.core.labels.polygon import Polygon


@dataclass(frozen=True, kw_only=True)
class Regions:
    """The label of a row: outlines and masks in a picture, perhaps none, in the order in which they were given.

    Args:
        width: pixels of the original picture, upright, as a browser shows it.
        height: likewise.
        regions: each inside the picture.

    Raises:
        DataError: a region that does not fit the picture; says which.

    Example:
        >>> Regions.from_plain({"width": 2, "height": 2, "regions": [{"counts": [3, 1], "label": "roof"}]})
        Regions(width=2, height=2, regions=(Mask(counts=(3, 1), label='roof'),))
    """

    width: int
    height: int
    regions: tuple[Polygon | Mask, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "width", count(self.width, "the picture's width", least=1))
        object.__setattr__(self, "height", count(self.height, "the picture's height", least=1))
        object.__setattr__(self, "regions", tuple(self.regions))
        for number, region in enumerate(self.regions, 1):
            with fields.of(f"region {number}"):
                region.check(self.width, self.height)

    @classmethod
    def from_plain(cls, value: Any) -> Regions:
        """The regions that an object with ``width``, ``height`` and ``regions`` describes."""
        given = fields.taken(value, "the label", needs=("width", "height", "regions"))
        found: list[Polygon | Mask] = []
        for number, one in enumerate(fields.sequence(given["regions"], "the regions"), 1):
            with fields.of(f"region {number}"):
                masked = isinstance(one, Mapping) and "counts" in one
                found.append(Mask.from_plain(one) if masked else Polygon.from_plain(one))
        return cls(width=given["width"], height=given["height"], regions=tuple(found))

    def to_plain(self) -> dict[str, Any]:
        """The same as plain data."""
        return {"width": self.width, "height": self.height, "regions": [one.to_plain() for one in self.regions]}
