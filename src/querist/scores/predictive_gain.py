"""Predictive gain: what one label would tell about the labels of other rows."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from querist.core.errors import UsageError
from querist.core.progress import report
from querist.core.types import Float, Tensor

RULES = ("log", "mse")
_TILE = 1 << 20
"""Numbers of joint distributions that stand in memory at once (4 MB: about the cache of a core)."""


def predictive_gain(
    prob_samples: Float[Tensor, "s *axes c"], target_samples: Float[Tensor, "s q c"], *, rule: str = "log"
) -> Float[Tensor, "*axes"]:
    """How much better a label is expected to make predictions of the target rows, averaged over them.

    A label ``y`` weighs each drawn network by the chance ``p(y | x, w)`` that it gave to it, which moves the prediction
    for ``x*`` from ``p(y*)`` to ``p(y* | y)``. Under the logarithmic rule the expected rise is the mutual information
    ``I(y; y* | x, x*)`` in nats (bickfordsmith2023prediction's EPIG, tan2021diversity's CoreLog); under the squared
    one it is ``E_y sum_y* (p(y* | y) - p(y*))^2`` (CoreMSE). It is never more than what the label tells about the
    networks (BALD), and 0 where that is of no use for the targets.

    Args:
        prob_samples: posterior samples first, ``[s ... c]``.
        target_samples: what the same networks say of the rows to be predicted, ``[s q c]``.
        rule: ``log`` or ``mse``.

    Example:
        >>> torn = torch.tensor([[[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.5, 0.5]]])
        >>> predictive_gain(torn, torn[:, :1])
        tensor([0.6931, 0.0000])
    """
    s, *axes, c = prob_samples.shape
    rows = prob_samples.reshape(s, -1, c)
    total = rows.new_zeros(rows.shape[1], dtype=_precision(rows))
    for pos, gains in _blocks(rows, target_samples, rule):
        total[pos] = gains.mean(1)
    return total.reshape(axes)


def predictive_gains(
    prob_samples: Float[Tensor, "s n c"], target_samples: Float[Tensor, "s q c"], *, rule: str = "log"
) -> Float[Tensor, "n q"]:
    """:func:`predictive_gain` of each target row by itself."""
    found = prob_samples.new_empty(prob_samples.shape[1], target_samples.shape[1], dtype=_precision(prob_samples))
    for pos, gains in _blocks(prob_samples, target_samples, rule):
        found[pos] = gains
    return found


def _blocks(
    rows: Float[Tensor, "s n c"], targets: Float[Tensor, "s q c"], rule: str
) -> Iterator[tuple[slice, Float[Tensor, "b q"]]]:
    """Gains ``[b q]`` of some rows after the other, with their places."""
    if rule not in RULES:
        raise UsageError(f"predictions cannot be scored by {rule!r}", hint=f"choose {' or '.join(RULES)}")
    s, n, c = rows.shape
    q, targets = targets.shape[1], targets.to(_precision(rows))
    expected = targets.mean(0)  # [q c]
    # Squares are of what networks differ in, which is computed as such: no small difference of large numbers.
    flat = ((targets if rule == "log" else targets - expected) / s).reshape(s, q * c)
    alone = torch.special.entr(expected).sum(1)
    step = max(1, _TILE // (c * q * c))
    for start in range(0, n, step):
        report("predictive gain", start, of=n)
        pos = slice(start, min(start + step, n))
        block = rows[:, pos].to(targets.dtype)
        own = block.mean(0)  # [b c]
        tiny = torch.finfo(own.dtype).tiny
        block = block if rule == "log" else block - own
        table = (block.reshape(s, -1).T @ flat).view(len(own) * c, q, c)  # of every pair of labels y, y*
        if rule == "log":
            joint = table.clamp_min_(tiny)
            together = joint.log().mul_(joint).sum(2).view(-1, c, q).sum(1)  # minus the joint entropy
            yield pos, (torch.special.entr(own).sum(1, keepdim=True) + alone + together).clamp_min_(0)
        else:
            moved = table.square_().sum(2).view(-1, c, q)
            yield pos, (moved / own.clamp_min(tiny)[:, :, None]).sum(1)


def _precision(samples: Tensor) -> torch.dtype:
    """What is computed in: half-precision samples are widened a block at a time."""
    return torch.promote_types(samples.dtype, torch.float32)
