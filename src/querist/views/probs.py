"""Probs: class probabilities, one distribution a unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from querist.core.types import Float, Tensor
from querist.views.base import Positions, Scope, View
from querist.views.blocks import in_blocks
from querist.views.logits import Logits


@dataclass(frozen=True, kw_only=True)
class Probs(View):
    """``[u c]``: the softmax of the logits, dropout off."""

    scope: ClassVar[Scope] = "unit"

    def parts(self) -> tuple[View, ...]:
        return (Logits(of=self.of),)

    def map(self, *parts: Any, state: Any, at: Positions) -> Float[Tensor, "u c"]:
        (logits,) = parts
        return in_blocks(lambda block: block.softmax(-1), logits)
