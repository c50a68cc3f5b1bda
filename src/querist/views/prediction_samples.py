"""PredictionSamples: regression answers of several functions drawn from a posterior over networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.views.base import Scope
from querist.views.logit_samples import LogitSamples


@dataclass(frozen=True, kw_only=True)
class PredictionSamples(LogitSamples):
    """``[s n]``: predicted values, in the unit of the labels. Same arguments as :class:`LogitSamples`."""

    scope: ClassVar[Scope] = "row"
