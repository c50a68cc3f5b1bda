"""Logits: a network's raw answer, one vector a unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.views.base import Scope, View


@dataclass(frozen=True, kw_only=True)
class Logits(View):
    """``[u c]``: class scores before the softmax, dropout off.

    A unit is what carries a class: the row itself in classification (``u = n``), a token in tagging, a (row, class)
    pair with ``c = 2`` in multilabel.
    """

    scope: ClassVar[Scope] = "unit"
