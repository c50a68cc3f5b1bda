"""Boxes: upright rectangles in a picture with a class each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from querist.core.errors import DataError
from querist.core.labels import fields
from querist.core.labels.pixels import count, inside, pixels


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle in pixels of the original picture, to a thousandth of a pixel.

    Args:
        x: left edge; the left edge of the picture is 0.
        y: upper edge; the upper edge of the picture is 0.
        w: width, more than nothing.
        h: height, more than nothing.
        label: class.

    Raises:
        DataError: no area, no class, or what is no number.
    """

    x: float
    y: float
    w: float
    h: float
    label: str

    def __post_init__(self) -> None:
        for name in ("x", "y", "w", "h"):
            object.__setattr__(self, name, pixels(getattr(self, name), name))
        if self.w <= 0 or self.h <= 0:
            raise DataError(f"a box is {self.w} by {self.h} pixels", hint="give it a width and a height")
        fields.class_name(self.label, "a box")

    @classmethod
    def between(cls, left: float, top: float, right: float, bottom: float, *, label: str) -> Box:
        """The box between two corners.

        Example:
            >>> Box.between(10, 20, 30, 60, label="cat")
            Box(x=10, y=20, w=20, h=40, label='cat')
        """
        return cls(x=left, y=top, w=right - left, h=bottom - top, label=label)

    @property
    def right(self) -> float:
        """Right edge."""
        return pixels(self.x + self.w, "the right edge")

    @property
    def bottom(self) -> float:
        """Lower edge."""
        return pixels(self.y + self.h, "the lower edge")

    @classmethod
    def from_plain(cls, value: Any) -> Box:
        """The box that an object with ``x``, ``y``, ``w``, ``h`` and ``label`` describes."""
        return cls(**fields.taken(value, "a box", needs=("x", "y", "w", "h", "label")))

    def to_plain(self) -> dict[str, Any]:
        """The same as plain data."""
        return {"x": self.x, "y": self.y, "w": self.w, "h": self.h, "label": self.label}


@dataclass(frozen=True, kw_only=True)
class Boxes:
    """The label of a row: the boxes of a picture, perhaps none, in the order in which they were given.

    Args:
        width: pixels of the original picture, upright, as a browser shows it.
        height: likewise.
        boxes: each inside the picture.

    Raises:
        DataError: a box that is not in the picture; says which.

    Example:
        >>> Boxes(width=640, height=480, boxes=(Box(x=600, y=0, w=50, h=20, label="cat"),))
        Traceback (most recent call last):
        querist.core.errors.DataError: box 1: the right edge is 650, outside the picture's 640 pixels; keep it inside
    """

    width: int
    height: int
    boxes: tuple[Box, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "width", count(self.width, "the picture's width", least=1))
        object.__setattr__(self, "height", count(self.height, "the picture's height", least=1))
        object.__setattr__(self, "boxes", tuple(self.boxes))
        for number, box in enumerate(self.boxes, 1):
            with fields.of(f"box {number}"):
                inside(box.x, self.width, "the left edge")
                inside(box.right, self.width, "the right edge")
                inside(box.y, self.height, "the upper edge")
                inside(box.bottom, self.height, "the lower edge")

    @classmethod
    def from_plain(cls, value: Any) -> Boxes:
        """The boxes that an object with ``width``, ``height`` and ``boxes`` describes."""
        given = fields.taken(value, "the label", needs=("width", "height", "boxes"))
        found = []
        for number, one in enumerate(fields.sequence(given["boxes"], "the boxes"), 1):
            with fields.of(f"box {number}"):
                found.append(Box.from_plain(one))
        return cls(width=given["width"], height=given["height"], boxes=tuple(found))

    def to_plain(self) -> dict[str, Any]:
        """The same as plain data."""
        return {"width": self.width, "height": self.height, "boxes": [box.to_plain() for box in self.boxes]}
