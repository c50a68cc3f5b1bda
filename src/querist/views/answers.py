"""Answers: who said what so far, where several annotators may label a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.views.base import Scope, View


@dataclass(frozen=True, kw_only=True)
class Answers(View):
    """``[v 3]``: position of the row, number of the annotator and class position of each answer that was given."""

    scope: ClassVar[Scope] = "pool"
