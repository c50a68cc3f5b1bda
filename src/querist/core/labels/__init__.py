"""Labels: what people give, as small frozen values with the plain data that stands for each."""

from __future__ import annotations

from querist.core.labels.box import Box, Boxes
from querist.core.labels.kinds import KINDS, Label, checked_label, classes_of, features
from querist.core.labels.mask import Mask
from querist.core.labels.polygon import Polygon
from querist.core.labels.regions import Regions
from querist.core.labels.span import Span, spans

__all__ = [
    "KINDS",
    "Box",
    "Boxes",
    "Label",
    "Mask",
    "Polygon",
    "Regions",
    "Span",
    "checked_label",
    "classes_of",
    "features",
    "spans",
]
