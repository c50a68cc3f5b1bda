"""A softmax layer fitted to some rows, and what it would be with one row more.

Multinomial logistic regression with a ridge on the weights, not on the biases: the layer is the one minimum of
``sum_i -log p(y_i | x_i) + |W|^2 / (2 C)``. Newton's method finds it, in double precision.

One row more moves it. Near the minimum the loss of the other rows is a parabola with curvature ``H``; with that in its
place and the new row's loss as it is, the weights move by ``H^-1 (I_c (x) x) a`` for some ``a`` of ``c`` numbers, and
one factor of ``H`` serves all rows and labels. (A plain step of Newton's method would take the new loss for a parabola
too, and is far too long where the label is a surprise.) Cost, with ``p = c (d + 1)``: ``O(m p^2 + p^3)`` a step of
Newton's method, ``O(p^2 c)`` for all labels of one row, and as much as the first fit for each that is fitted anew.
"""

from __future__ import annotations

import torch

from querist.core.types import Float, Int, Tensor

_MOST = 1 << 21
"""Numbers of a table of products that stand in memory at once (16 MB)."""
_STEPS = 60
_CLOSE = 1e-9
"""Slope, a row, at which a minimum is taken for found."""


class SoftmaxLayer:
    """The fitted layer.

    Args:
        inputs: what it is fitted to, ``[m d]``.
        classes: of each row, ``[m]``, from 0.
        c: how many classes.
        strength: of the labels against the ridge, ``C``.

    Attributes:
        weights: ``[c d+1]``, the bias in the last column; biases sum to 0.
        size: rows that it is fitted to.

    Example:
        >>> layer = SoftmaxLayer(torch.tensor([[-1.0], [1.0]]), torch.tensor([0, 1]), c=2)
        >>> layer.probs(torch.tensor([[0.0]])).tolist()
        [[0.5, 0.5]]
    """

    def __init__(self, inputs: Float[Tensor, "m d"], classes: Int[Tensor, "m"], *, c: int, strength: float = 1.0):
        self._rows = _with_bias(inputs)
        self._targets = torch.nn.functional.one_hot(classes, c).double()
        self._ridge, self.size = 1 / strength, len(inputs)
        start = self._rows.new_zeros(1, c, self._rows.shape[1])
        self.weights = self._minimum(start, None, None)[0]
        self._root = torch.linalg.cholesky(self._curvature(self.weights[None], None)[0])

    def probs(self, inputs: Float[Tensor, "b d"]) -> Float[Tensor, "b c"]:
        """What it says of some rows."""
        return (_with_bias(inputs) @ self.weights.T).softmax(-1)

    def moves(self, inputs: Float[Tensor, "b d"]) -> Float[Tensor, "b y c d_plus_1"]:
        """How far the weights move when a row with label ``y`` joins, the others' loss taken for a parabola."""
        rows = _with_bias(inputs)
        c, width = self.weights.shape
        # H^-1 (I_c (x) x), [c w b c]: for each row c columns, class k having x in the places of class k.
        columns = rows.new_zeros(c, width, len(rows), c)
        for own in range(c):
            columns[own, :, :, own] = rows.T
        solved = torch.cholesky_solve(columns.view(c * width, -1), self._root).view_as(columns)
        inner = torch.einsum("bw,kwbl->bkl", rows, solved)
        return torch.einsum("kwbl,byl->bykw", solved, _pulls(rows @ self.weights.T, inner))

    def refits(self, inputs: Float[Tensor, "b d"]) -> Float[Tensor, "b y c d_plus_1"]:
        """How far the weights move when a row with label ``y`` joins and the layer is fitted anew."""
        rows = _with_bias(inputs)
        c, width = self.weights.shape
        targets = torch.eye(c, dtype=rows.dtype, device=rows.device).repeat(len(rows), 1)
        rows = rows.repeat_interleave(c, 0)
        start = self.weights + self.moves(inputs).view(-1, c, width)
        step = max(1, _MOST // (c * width) ** 2)
        blocks = zip(start.split(step), rows.split(step), targets.split(step), strict=True)
        found = torch.cat([self._minimum(first, more, target) for first, more, target in blocks])
        return (found - self.weights).view(len(inputs), c, c, width)

    def _minimum(self, weights: Tensor, more: Tensor | None, target: Tensor | None) -> Float[Tensor, "z c w"]:
        """Several minima at once, each with a row of its own beside those that all have."""
        loss = self._loss(weights, more, target)
        for _ in range(_STEPS):
            slope = self._slope(weights, more, target)
            if float(slope.abs().max()) < _CLOSE * len(self._rows):
                break
            root = torch.linalg.cholesky(self._curvature(weights, more))
            step = torch.cholesky_solve(slope.flatten(1)[:, :, None], root).view_as(weights)
            length = torch.ones_like(loss)
            while True:
                moved = weights - length[:, None, None] * step
                after = self._loss(moved, more, target)
                worse = (after > loss + 1e-12 * loss.abs()) & (length > 1e-6)
                if not bool(worse.any()):
                    break
                length = torch.where(worse, length / 2, length)
            weights, loss = moved, after
        return weights

    def _logs(self, weights: Tensor, more: Tensor | None) -> tuple[Tensor, Tensor | None]:
        z, c, width = weights.shape
        said = (self._rows @ weights.view(z * c, width).T).view(-1, z, c).log_softmax(-1)
        return said, None if more is None else torch.einsum("zw,zcw->zc", more, weights).log_softmax(-1)

    def _loss(self, weights: Tensor, more: Tensor | None, target: Tensor | None) -> Float[Tensor, "z"]:
        said, own = self._logs(weights, more)
        loss = -(said * self._targets[:, None]).sum((0, 2)) + self._ridge / 2 * weights[..., :-1].square().sum((1, 2))
        return loss if own is None or target is None else loss - (own * target).sum(1)

    def _slope(self, weights: Tensor, more: Tensor | None, target: Tensor | None) -> Float[Tensor, "z c w"]:
        z, c, width = weights.shape
        said, own = self._logs(weights, more)
        error = said.exp() - self._targets[:, None]
        slope = (error.reshape(len(error), z * c).T @ self._rows).view(z, c, width)
        slope[..., :-1] += self._ridge * weights[..., :-1]
        if own is not None and more is not None and target is not None:
            slope += (own.exp() - target)[..., None] * more[:, None]
        return slope

    def _curvature(self, weights: Tensor, more: Tensor | None) -> Float[Tensor, "z p p"]:
        z, c, width = weights.shape
        said, own = self._logs(weights, more)
        total = weights.new_zeros(z, c * c, width * width)
        step = max(1, _MOST // (width * width))
        for start in range(0, len(self._rows), step):
            rows, probs = self._rows[start : start + step], said[start : start + step].exp()
            spread = probs.diag_embed() - probs[..., None] * probs[..., None, :]
            squares = (rows[:, :, None] * rows[:, None]).flatten(1)
            total += (spread.view(len(rows), -1).T @ squares).view_as(total)
        if own is not None and more is not None:
            p = own.exp()
            spread = (p.diag_embed() - p[:, :, None] * p[:, None]).flatten(1)
            total += spread[:, :, None] * (more[:, :, None] * more[:, None]).flatten(1)[:, None]
        total = total.view(z, c, c, width, width)
        for own_class in range(c):
            total[:, own_class, own_class, range(width - 1), range(width - 1)] += self._ridge
        # Biases that all rise together change nothing: any curvature will do there.
        total[..., -1, -1] += 1 / c
        return total.permute(0, 1, 3, 2, 4).reshape(z, c * width, c * width)


def _pulls(logits: Float[Tensor, "b c"], inner: Float[Tensor, "b c c"]) -> Float[Tensor, "b y c"]:
    """How hard a row with label ``y`` pulls at each class: the ``a`` of least ``a K a / 2 + loss(y; logits + K a)``.

    At that point ``a = e_y - softmax(logits + K a)``: what the loss still pulls, once the layer has given way.
    """
    c = logits.shape[1]
    eye = torch.eye(c, dtype=logits.dtype, device=logits.device)
    pull = logits.new_zeros(len(logits), c, c)

    def value(pull: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        moved = pull @ inner  # K is symmetric
        logs = (logits[:, None] + moved).log_softmax(-1)
        return (pull * moved).sum(-1) / 2 - logs.diagonal(dim1=1, dim2=2), moved, logs.exp()

    loss, _, probs = value(pull)
    for _ in range(_STEPS):
        slope = pull + probs - eye
        if float(slope.abs().max()) < _CLOSE:
            break
        spread = probs.diag_embed() - probs[..., None] * probs[..., None, :]
        step = torch.linalg.solve(eye + spread @ inner[:, None], slope[..., None])[..., 0]
        length = torch.ones_like(loss)
        while True:
            after, _, probs = value(pull - length[..., None] * step)
            worse = (after > loss + 1e-12 * loss.abs()) & (length > 1e-6)
            if not bool(worse.any()):
                break
            length = torch.where(worse, length / 2, length)
        pull, loss = pull - length[..., None] * step, after
    return pull


def _with_bias(inputs: Tensor) -> Float[Tensor, "b d_plus_1"]:
    return torch.nn.functional.pad(inputs.double(), (0, 1), value=1.0)
