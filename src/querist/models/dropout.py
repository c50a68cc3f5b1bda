"""Monte-Carlo dropout: the network up to its first dropout runs once, only what follows is repeated.

While a network runs with dropout off, the answer of every part that ends before the first dropout begins is kept.
To draw a sample the network is called again, and those parts hand back what they answered; everything else (the rest
of the network, and the code between the parts) runs anew, under a mask. This needs no knowledge of the network.
Samples are drawn one by one: a batch of many rows keeps the processor busy, several samples in one call gain nothing.

A sample is a *function*: one mask a (seed, sample, layer), the same for all rows and all batches, so that joint
statements about several rows hold (kirsch2019batchbald). Paper: gal2016dropout.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn.modules.dropout import _DropoutNd

from querist.core.rng import generator
from querist.core.types import Tensor

_KEPT_MASK = 2**16
"""Masks of up to this many numbers are kept between batches; larger ones are drawn again."""
_BY_CHANNEL = (nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.FeatureAlphaDropout)
_ALPHA = (nn.AlphaDropout, nn.FeatureAlphaDropout)
_SELU_FLOOR = -1.7580993408473766
"""What SELU tends to; alpha dropout puts it in the place of dropped numbers."""


def stochastic(part: nn.Module) -> bool:
    """Whether this is a dropout layer that drops anything."""
    return isinstance(part, _DropoutNd) and part.p > 0


class DropoutPasses:
    """A network that can be run once with dropout off, and then again and again under masks.

    Args:
        module: in evaluation mode; its parts are wrapped between ``enter`` and ``exit``.
        seed: of the masks.
        whole: run the whole network for each sample; the slow twin that tests compare with.

    Example:
        >>> net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(), nn.Linear(8, 2)).eval()
        >>> with torch.no_grad(), DropoutPasses(net, seed=0) as passes:
        ...     mean = passes.first(torch.ones(3, 4))
        ...     a, b = passes.sample(0), passes.sample(1)
        >>> mean.shape, bool((a == b).all())
        (torch.Size([3, 2]), False)
    """

    def __init__(self, module: nn.Module, *, seed: int, whole: bool = False) -> None:
        self.module, self.seed, self.whole = module, seed, whole
        self._inputs: tuple[Tensor, ...] = ()
        self._trunk: list[_Kept] = []
        self._in_trunk = False
        self._copies = False
        self._sample: int | None = None
        self._layer = self._replayed = 0
        self._masks: dict[tuple[int, int], Tensor] = {}
        self._own_forward: list[tuple[nn.Module, Any]] = []

    def __enter__(self) -> DropoutPasses:
        for part in self.module.modules():
            if part is not self.module or stochastic(part):
                self._own_forward.append((part, vars(part).get("forward")))
                part.forward = self._masked(part) if stochastic(part) else self._kept(part, part.forward)
        return self

    def __exit__(self, *_: object) -> None:
        for part, own in self._own_forward:
            if own is None:
                del part.forward
            else:
                part.forward = own
        self._own_forward, self._trunk, self._masks = [], [], {}

    def first(self, *inputs: Tensor) -> Tensor:
        """The answer with dropout off."""
        self._inputs, self._trunk, self._sample = inputs, [], None
        self._in_trunk = not self.whole
        output: Tensor = self.module(*inputs)
        if not self._copies and any(kept.overwritten() for kept in self._trunk):
            # Something writes into an answer of the trunk after it was kept. Once is enough to know: keep copies.
            self._copies = True
            return self.first(*inputs)
        return output

    def sample(self, sample: int) -> Tensor:
        """The answer of posterior sample ``sample`` for the inputs of the last :meth:`first`."""
        self._sample, self._layer, self._replayed = sample, 0, 0
        output: Tensor = self.module(*self._inputs)
        self._sample = None
        return output

    def _kept(self, part: nn.Module, forward: Any) -> Any:
        """``forward``, which keeps its answer in the first pass and gives it back in the samples."""

        def call(*arguments: Any, **keywords: Any) -> Any:
            if self._sample is None:
                before = len(self._trunk)
                answer = forward(*arguments, **keywords)
                if self._in_trunk:
                    # What ran inside this part will not be called again, the part itself stands for it.
                    self._trunk[before:] = [_Kept(part, answer, copy=self._copies)]
                return answer
            # Parts are called in the order of the first pass, so one look at the next kept answer is enough.
            if self._replayed < len(self._trunk) and self._trunk[self._replayed].part is part:
                self._replayed += 1
                return self._trunk[self._replayed - 1].given(copy=self._copies)
            return forward(*arguments, **keywords)

        return call

    def _masked(self, part: nn.Module) -> Any:
        """A dropout layer's ``forward``: nothing in the first pass, a mask of its own in each sample."""

        def call(input: Tensor) -> Tensor:  # noqa: A002 - the name that torch gave it
            if self._sample is None:
                self._in_trunk = False
                return input
            layer, self._layer = self._layer, self._layer + 1
            return dropped(part, input, self._keep(part, input, layer))

        return call

    def _keep(self, part: Any, x: Tensor, layer: int) -> Tensor:
        """Which numbers of a row stay: 1 or 0, in the shape of a row (of its channels, for dropout by channel)."""
        shape = (x.shape[1], *[1] * (x.ndim - 2)) if isinstance(part, _BY_CHANNEL) else tuple(x.shape[1:])
        key = (self._sample or 0, layer)
        kept = self._masks.get(key)
        if kept is not None and kept.shape == shape:
            return kept
        # Numbers are drawn one after the other, so the mask of a shorter sequence is a part of that of a longer one
        # and no row sees how far its batch was padded.
        draws = torch.rand(shape, generator=generator(self.seed, "dropout", *key))
        mask = (draws >= part.p).to(device=x.device, dtype=x.dtype)
        if math.prod(shape) <= _KEPT_MASK:
            self._masks[key] = mask
        return mask


class _Kept:
    """The answer of one part of the trunk."""

    def __init__(self, part: nn.Module, answer: Any, *, copy: bool) -> None:
        self.part = part
        self._answer = _copied(answer) if copy else answer
        self._versions = [tensor._version for tensor in _tensors(self._answer)]

    def overwritten(self) -> bool:
        return [tensor._version for tensor in _tensors(self._answer)] != self._versions

    def given(self, *, copy: bool) -> Any:
        return _copied(self._answer) if copy else self._answer


def dropped(part: Any, x: Tensor, keep: Tensor) -> Tensor:
    """``x`` under the mask ``keep``, scaled as the dropout layer ``part`` does so that its mean stays."""
    if isinstance(part, _ALPHA):
        # klambauer2017self: dropped numbers become SELU's floor, then mean and variance are put back.
        scale = ((1 - part.p) * (1 + part.p * _SELU_FLOOR**2)) ** -0.5
        return scale * (x * keep + _SELU_FLOOR * (1 - keep)) - scale * _SELU_FLOOR * part.p
    return x * (keep / (1 - part.p)) if part.p < 1 else torch.zeros_like(x)


def _tensors(answer: Any) -> Iterator[Tensor]:
    if isinstance(answer, Tensor):
        yield answer
    elif isinstance(answer, (tuple, list)):
        for part in answer:
            yield from _tensors(part)
    elif isinstance(answer, dict):
        yield from _tensors(tuple(answer.values()))


def _copied(answer: Any) -> Any:
    if isinstance(answer, Tensor):
        return answer.clone()
    if isinstance(answer, tuple) and hasattr(answer, "_fields"):
        return type(answer)(*map(_copied, answer))
    if isinstance(answer, (tuple, list)):
        return type(answer)(map(_copied, answer))
    if isinstance(answer, dict):
        # Output objects of other packages are dictionaries with attributes: a shallow copy keeps their kind.
        copied = copy.copy(answer)
        for key, value in answer.items():
            copied[key] = _copied(value)
        return copied
    return answer
