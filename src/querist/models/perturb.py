"""The smallest change of an input that makes a network guess another class, for many rows at once.

Papers: moosavi2016deepfool and, for the steps by signs, goodfellow2015explaining and kurakin2017adversarial. Known
differences: DeepFool's length is that of the way to the boundary, without the 2% that its authors add to cross it; of
the last step by signs only as much counts as is needed to flip the guess, so that lengths are not multiples of a step;
no change is cut to what a picture can hold. Rows that have flipped leave the batch. Cost: a step of DeepFool takes two
forward passes and a backward pass for each class but the guess; one by signs takes two and one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from querist.core.errors import ViewMissing
from querist.core.types import Bool, Float, Int, Tensor
from querist.models.anatomy import slow_attention
from querist.views.perturbation import NEVER, Perturbation

OVERSHOOT = 0.02
"""Share by which a change to the boundary is lengthened, to be past it."""
_HALVINGS = 12
"""Of the last step by signs: its length is then right to 1/4000 of a step."""

Network = Callable[[Float[Tensor, "b *axes"]], Float[Tensor, "b c"]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Perturbed:
    """What was found for some rows.

    Args:
        change: added to a row it lands past the boundary, where one was found, ``[b ...]``.
        lengths: of the way to the boundary; ``NEVER`` where none was found, ``[b]``.
        flipped: whether the changed row is guessed to be of another class, ``[b]``.
    """

    change: Float[Tensor, "b *axes"]
    lengths: Float[Tensor, "b"]
    flipped: Bool[Tensor, "b"]


def perturbed(module: nn.Module, inputs: Float[Tensor, "b *axes"], view: Perturbation) -> Perturbed:
    """The change of each row that ``view`` asks for.

    Args:
        module: in evaluation mode, from ``inputs`` to class scores ``[b c]``.
        inputs: what it reads.
        view: how to look.

    Raises:
        ViewMissing: the network gives no slopes.

    Example:
        >>> line = nn.Linear(2, 2, bias=False)
        >>> line.weight.data = torch.tensor([[3.0, 4.0], [0.0, 0.0]])
        >>> found = perturbed(line, torch.tensor([[1.0, 0.0], [1.0, 1.0]]), Perturbation())
        >>> [round(x, 4) for x in found.lengths.tolist()], found.flipped.tolist()   # |w x| / |w|
        ([0.6, 1.4], [True, True])
    """
    with slow_attention(), _without_recurrent_kernels(module):
        with torch.no_grad():
            scores = module(inputs)
        fit = torch.isfinite(scores).all(1)
        found = (
            _deep_fool(module, inputs, scores, view) if view.by == "deep_fool" else _signs(module, inputs, scores, view)
        )
    # A row that is not finite is refused by name, once it stands in a snapshot.
    return Perturbed(
        change=found.change, lengths=found.lengths.where(fit, torch.nan).clamp(max=NEVER), flipped=found.flipped
    )


def _deep_fool(net: Network, x: Tensor, scores: Tensor, view: Perturbation) -> Perturbed:
    ranked = scores.topk(min(view.classes, scores.shape[1]), dim=1).indices
    own, change = ranked[:, 0], torch.zeros_like(x)
    flipped = torch.zeros(len(x), dtype=torch.bool, device=x.device)
    lost = flipped.clone()
    active = torch.arange(len(x), device=x.device)
    for _ in range(view.steps):
        if not len(active):
            break
        way, gap = _to_nearest(net, x[active] + (1 + OVERSHOOT) * change[active], ranked[active])
        lost[active] = gap.isinf()
        change[active] += way
        active = active[gap.isfinite() & (gap > 0)]  # on the boundary there is nowhere to go
        other = _is_other(net, x[active] + (1 + OVERSHOOT) * change[active], own[active])
        flipped[active[other]] = True
        active = active[~other]
    lengths = change.flatten(1).norm(dim=1)
    return Perturbed(change=(1 + OVERSHOOT) * change, lengths=lengths.masked_fill(lost, NEVER), flipped=flipped)


def _to_nearest(
    net: Network, at: Float[Tensor, "b *axes"], ranked: Int[Tensor, "b q"]
) -> tuple[Float[Tensor, "b *axes"], Float[Tensor, "b"]]:
    """The way to the nearest boundary of the network as it slopes here, and its length; infinite without a slope."""
    shape = (-1, *[1] * (at.ndim - 1))
    way, nearest = torch.zeros_like(at), torch.full((len(at),), torch.inf, device=at.device)
    with torch.enable_grad():
        leaf = at.detach().requires_grad_()
        scores = _scores(net, leaf)
        gaps = scores.gather(1, ranked[:, :1]) - scores.gather(1, ranked[:, 1:])
        for rival in range(gaps.shape[1]):
            (slope,) = torch.autograd.grad(-gaps[:, rival].sum(), leaf, retain_graph=rival < gaps.shape[1] - 1)
            steep = slope.flatten(1).norm(dim=1)
            gap = gaps[:, rival].detach().clamp(min=0)
            far = torch.where(steep > 0, gap / steep, torch.inf)
            nearer = far < nearest
            nearest = torch.where(nearer, far, nearest)
            way = torch.where(nearer.reshape(shape), slope * (far / steep).reshape(shape), way)
    return way, nearest


def _signs(net: Network, x: Tensor, scores: Tensor, view: Perturbation) -> Perturbed:
    own, change = scores.argmax(1), torch.zeros_like(x)
    before = change.clone()
    flipped = torch.zeros(len(x), dtype=torch.bool, device=x.device)
    active = torch.arange(len(x), device=x.device)
    for _ in range(view.steps if scores.shape[1] > 1 else 0):
        if not len(active):
            break
        before[active] = change[active]
        moved = change[active] + view.size * _uphill(net, x[active] + change[active], own[active]).sign()
        change[active] = moved.clamp(-view.bound, view.bound)
        other = _is_other(net, x[active] + change[active], own[active])
        flipped[active[other]] = True
        active = active[~other & (change[active] != before[active]).flatten(1).any(1)]
    # Where on the last step does the guess change?
    done = flipped.nonzero().flatten()
    start, end, rows, guess = before[done], change[done], x[done], own[done]
    for _ in range(_HALVINGS if len(done) else 0):
        middle = (start + end) / 2
        other = _is_other(net, rows + middle, guess).reshape(-1, *[1] * (x.ndim - 1))
        start, end = torch.where(other, start, middle), torch.where(other, middle, end)
    change[done] = end
    return Perturbed(change=change, lengths=change.flatten(1).norm(dim=1).masked_fill(~flipped, NEVER), flipped=flipped)


def _uphill(net: Network, at: Float[Tensor, "b *axes"], own: Int[Tensor, "b"]) -> Float[Tensor, "b *axes"]:
    """Where the loss of the guess rises. Its sign is that of the loss without its outer logarithm, which saturates."""
    with torch.enable_grad():
        leaf = at.detach().requires_grad_()
        scores = _scores(net, leaf)
        others = scores.scatter(1, own[:, None], -torch.inf).logsumexp(1)
        (slope,) = torch.autograd.grad((others - scores.gather(1, own[:, None])[:, 0]).sum(), leaf)
    return slope


def _scores(net: Network, leaf: Tensor) -> Float[Tensor, "b c"]:
    scores = net(leaf.clone())  # networks may write into what they are given
    if not scores.requires_grad:
        raise ViewMissing(
            "no slope of this network reaches its inputs", hint="choose least_disagree, which changes the last layer"
        )
    return scores


def _is_other(net: Network, at: Float[Tensor, "b *axes"], own: Int[Tensor, "b"]) -> Bool[Tensor, "b"]:
    """Whether another class is likelier than the one that was guessed before."""
    if not len(at):
        return own.new_zeros(0, dtype=torch.bool)
    with torch.no_grad():
        scores = net(at)
    return scores.gather(1, own[:, None])[:, 0] < scores.amax(1)


@contextmanager
def _without_recurrent_kernels(module: nn.Module) -> Iterator[None]:
    """cuDNN's recurrent layers give no slopes in evaluation mode; torch's own do."""
    recurrent = any(isinstance(part, nn.RNNBase) for part in module.modules())
    with torch.backends.cudnn.flags(enabled=torch.backends.cudnn.enabled and not recurrent):
        yield
