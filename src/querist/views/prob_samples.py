"""ProbSamples: class probabilities of several functions drawn from a posterior over networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from querist.core.types import Float, Tensor
from querist.views.base import Positions, View
from querist.views.logit_samples import LogitSamples


@dataclass(frozen=True, kw_only=True)
class ProbSamples(LogitSamples):
    """``[s u c]``: the softmax of each logit sample. Same arguments as :class:`LogitSamples`."""

    def parts(self) -> tuple[View, ...]:
        return (LogitSamples(of=self.of, samples=self.samples, source=self.source, networks=self.networks),)

    def map(self, *parts: Any, state: Any, at: Positions) -> Float[Tensor, "s u c"]:
        (logits,) = parts
        return logits.softmax(-1, dtype=torch.promote_types(logits.dtype, torch.float32))
