"""LogitSamples: raw answers of several functions drawn from a posterior over networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from querist.core.errors import UsageError
from querist.views.base import Scope, View

Source = Literal["dropout", "ensemble"]


@dataclass(frozen=True, kw_only=True)
class LogitSamples(View):
    """``[s u c]``: logits of ``samples`` networks.

    Args:
        samples: posterior samples ``s``; the papers' T or K.
        source: ``dropout`` draws one mask a sample and layer and keeps it for the whole pool (so joint statements
            about several rows hold, kirsch2019batchbald); ``ensemble`` trains ``samples`` networks from other
            initial weights and data orders.
    """

    samples: int = 20
    source: Source = "dropout"

    scope: ClassVar[Scope] = "unit"
    row_axis: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise UsageError(f"{self.samples} posterior samples were asked for", hint="use 1 or more")

    @property
    def members(self) -> int:
        return self.samples if self.source == "ensemble" else 1
