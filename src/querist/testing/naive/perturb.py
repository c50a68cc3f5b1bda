"""Twins of the attacks: one row, one class and one step at a time."""

from __future__ import annotations

import math

import torch
from torch import nn

from querist.core.types import Float, Tensor
from querist.views.perturbation import NEVER, Perturbation


def deep_fool_change(net: nn.Module, row: Float[Tensor, "*axes"], view: Perturbation) -> Float[Tensor, "*axes"] | None:
    """The way to the boundary of one row; ``None`` if no class can be reached."""
    ranked = _scores(net, row).argsort(descending=True)[: view.classes].tolist()
    guess, change = ranked[0], torch.zeros_like(row)
    for _ in range(view.steps):
        at = row + 1.02 * change
        scores = _scores(net, at)
        best, way = math.inf, None
        for rival in ranked[1:]:
            slope = _slope(net, at, rival) - _slope(net, at, guess)
            gap, steep = float(scores[guess] - scores[rival]), float(slope.norm())
            if steep > 0 and gap / steep < best:
                best, way = gap / steep, gap / steep**2 * slope
        if way is None:
            return None
        change = change + way
        if best == 0 or int(_scores(net, row + 1.02 * change).argmax()) != guess:
            break
    return change


def fast_gradient_change(
    net: nn.Module, row: Float[Tensor, "*axes"], view: Perturbation
) -> Float[Tensor, "*axes"] | None:
    """The change of one row by equal steps that just flips its guess; ``None`` if it is not within the bound."""
    guess, change = int(_scores(net, row).argmax()), torch.zeros_like(row)
    for _ in range(view.steps):
        chances = _scores(net, row + change).double().softmax(0)
        slope = torch.zeros_like(row)
        for rival, chance in enumerate(chances.tolist()):  # the slope of -log p(guess)
            slope = slope + (chance - (rival == guess)) * _slope(net, row + change, rival)
        after = (change + view.size * slope.sign()).clamp(-view.bound, view.bound)
        if int(_scores(net, row + after).argmax()) != guess:
            shares = [share / 1000 for share in range(1001)]
            flips = (change + share * (after - change) for share in shares)
            return next(r for r in flips if int(_scores(net, row + r).argmax()) != guess)
        change = after
    return None


def lengths(net: nn.Module, rows: Float[Tensor, "b *axes"], view: Perturbation) -> list[float]:
    """The length of each row's change."""
    find = deep_fool_change if view.by == "deep_fool" else fast_gradient_change
    changes = [find(net, row, view) for row in rows]
    return [NEVER if change is None else float(change.norm()) for change in changes]


def _scores(net: nn.Module, row: Tensor) -> Tensor:
    with torch.no_grad():
        return net(row[None])[0]


def _slope(net: nn.Module, row: Tensor, label: int) -> Tensor:
    with torch.enable_grad():
        leaf = row.clone().requires_grad_()
        net(leaf[None])[0, label].backward()
    assert leaf.grad is not None
    return leaf.grad
