"""LogitSamples: raw answers of several functions drawn from a posterior over networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from querist.core.errors import UnknownName, UsageError
from querist.views.base import Scope, View

Source = Literal["dropout", "ensemble", "dropout_ensemble", "laplace"]


@dataclass(frozen=True, kw_only=True)
class LogitSamples(View):
    """``[s u c]``: logits of ``samples`` networks, the same networks for all rows.

    That they are the same makes joint statements about several rows hold (kirsch2019batchbald).

    Args:
        samples: posterior samples ``s``; the papers' T or K.
        source: where the networks come from. ``dropout`` draws one mask a sample and layer. ``ensemble`` trains
            ``samples`` networks from other initial weights and data orders (beluch2018power). ``dropout_ensemble``
            draws masks in several trained networks (pop2018deep). ``laplace`` draws the weights of the last layer from
            a Gaussian around the trained ones (daxberger2021laplace): for networks without dropout, at the price of
            one training.
        networks: how many are trained for ``dropout_ensemble``, M; sample ``j`` is of network ``j % networks``. No
            effect for other sources.

    Raises:
        UnknownName: there is no such source.
        UsageError: fewer than one sample or network.
    """

    samples: int = 20
    source: Source = "dropout"
    networks: int = 3

    scope: ClassVar[Scope] = "unit"
    row_axis: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if self.source not in get_args(Source):
            raise UnknownName("source of posterior samples", self.source, get_args(Source))
        if self.samples < 1:
            raise UsageError(f"{self.samples} posterior samples were asked for", hint="use 1 or more")
        if self.networks < 1:
            raise UsageError(f"samples of {self.networks} networks were asked for", hint="use 1 or more")

    @property
    def members(self) -> int:
        trained = {"ensemble": self.samples, "dropout_ensemble": min(self.networks, self.samples)}
        return trained.get(self.source, 1)
