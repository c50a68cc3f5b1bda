"""Expected error reduction: try every label of a row on the model, and ask for the row that leaves least error behind.

Paper: roy2001toward, with both of its losses. A deep network cannot be trained once for each row and label, so what
learns here is a softmax layer on its embeddings, with a ridge (logistic regression, where the embeddings are the
inputs), fitted to what is labelled; the chances of the labels are that layer's. Known differences: classes without a
label are left out; of more than ``candidates`` rows a random so many are tried, and of more than ``estimate`` the error
is estimated on a random so many; the layer is fitted anew for each row and label only where that is little work, and
is moved to first order elsewhere (see ``update``); a batch is the ``k`` best rows, each judged alone. Cost: one forward
pass, then with ``p = c (d + 1)`` kept below ``parameters`` by principal components: ``q c p^2 + q e c^2 d``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from querist.core.errors import UsageError
from querist.core.progress import report
from querist.core.types import Float, Generator, Int, Tensor
from querist.scores.entropy import entropy
from querist.scores.least_confidence import least_confidence
from querist.selectors.base import shuffled
from querist.selectors.softmax_layer import SoftmaxLayer
from querist.selectors.top_k import top_k
from querist.strategies.base import Strategy
from querist.views.base import Positions, View
from querist.views.blocks import block_rows
from querist.views.embeddings import Embeddings
from querist.views.labels import Labels

_LOSSES = {"log": entropy, "zero_one": least_confidence}
_TILE = 1 << 20
"""Probabilities that stand in memory at once (8 MB)."""
_LITTLE = 3e9
"""Products of numbers that fitting anew may take together: some seconds on one core."""


@dataclass(frozen=True, kw_only=True)
class ExpectedErrorReduction(Strategy):
    """The row whose label, whatever it turns out to be, is expected to leave the least error on all the others.

    Doubt about a row says nothing of what its label is good for: it may be odd, or noise. Here each label is tried: the
    model learns it, is asked about the rest of the pool, and what it is then still unsure of is the error that it
    expects to make. A row in the middle of many that hang on its label wins over a loner.

    Formula:
        ``argmin_x sum_y p(y | x) 1/U sum_u loss(p(. | u, L + (x, y)))``, the loss being ``H(p)`` or ``1 - max p``

    Use it when:
        labels are dear, asked one or a few at a time, classes are few, and the features are fixed and good: frozen
        embeddings or a small table.

    Not when:
        the network's features will change with the next training, batches are large (its picks are not chosen
        together), or some classes have no label yet: it can only reckon with those it knows. It trusts the layer's
        own probabilities; where they are wrong it is confidently wrong with them, as settles2009active says.

    Args:
        loss: ``log`` (what is left of the entropy) or ``zero_one`` (the share of wrong guesses that is expected).
        update: ``exact`` fits the layer anew for each row and label; ``one_step`` moves it, the loss of the labelled
            rows being taken for a parabola; ``auto`` is exact for small pools.
        strength: of the labels against the ridge, ``C`` of a logistic regression, on embeddings scaled so that their
            mean squared length is their number of dimensions.
        candidates: rows that are tried at most.
        estimate: rows that the error is estimated on at most.
        parameters: of the layer at most; wider embeddings are replaced by their principal components.

    Example:
        >>> from querist.views import Snapshot
        >>> z = [[-3.0, 0.0], [3.0, 0.0], [0.1, 2.0], [0.1, 2.1], [0.1, 1.9], [2.9, 0.1]]
        >>> snapshot = Snapshot.from_arrays(embeddings=z, labels=[0, 1, -1, -1, -1, -1])
        >>> ExpectedErrorReduction()(snapshot, k=1).tolist()[0] in (2, 3, 4)
        True
    """

    loss: str = "log"
    update: str = "auto"
    strength: float = 1.0
    candidates: int = 1000
    estimate: int = 500
    parameters: int = 1500

    rows: ClassVar = ("A8",)
    family: ClassVar = "lookahead"
    signal: ClassVar = "telling"
    paper: ClassVar = "roy2001toward"
    survey: ClassVar = "3.1"
    cost: ClassVar = (
        "time O(m p^2 + p^3 + q c p^2 + q e c^2 d), memory O((q + e) d + p^2); p = c d, q tried, e estimated on"
    )
    tasks: ClassVar = ("classification",)
    needs_labels: ClassVar = True

    def __post_init__(self) -> None:
        if self.loss not in _LOSSES:
            raise UsageError(f"there is no loss {self.loss!r} to expect", hint=f"choose {' or '.join(_LOSSES)}")
        if self.update not in ("auto", "exact", "one_step"):
            raise UsageError(f"there is no update {self.update!r}", hint="choose auto, exact or one_step")
        if min(self.candidates, self.estimate, self.parameters) < 1 or not self.strength > 0:
            raise UsageError("expected error reduction was given nothing to work with", hint="use numbers above 0")

    def needs(self) -> tuple[View, ...]:
        return (Embeddings(), Labels())

    def pick(
        self, embeddings: Float[Tensor, "n d"], labels: Int[Tensor, "n"], *, at: Positions, k: int, rng: Generator
    ) -> Int[Tensor, "k"]:
        return self._least(embeddings, labels, at=at, k=k, rng=rng)[0]

    def pick_with_reasons(
        self, embeddings: Float[Tensor, "n d"], labels: Int[Tensor, "n"], *, at: Positions, k: int, rng: Generator
    ) -> tuple[Tensor, list[str]]:
        picked, errors, now = self._least(embeddings, labels, at=at, k=k, rng=rng)
        word = "entropy" if self.loss == "log" else "error"
        return picked, [
            f"its label is expected to leave a mean {word} of {error:.4f} on the other rows (now {now:.4f})"
            for error in errors.tolist()
        ]

    def _least(
        self, embeddings: Tensor, labels: Tensor, *, at: Positions, k: int, rng: Generator
    ) -> tuple[Tensor, Tensor, float]:
        """The picks, the error expected after each, and the error expected now."""
        free = at.candidates
        if len(free) > min(self.candidates, self.estimate):
            free = shuffled(free, rng)
        tried, judged = free[: max(self.candidates, k)], free[: self.estimate]
        classes, known = labels[at.labelled].unique(return_inverse=True)
        inputs = _scaled(embeddings, torch.cat([at.labelled, free[: max(len(tried), len(judged))]]))
        inputs = _principal(inputs, max(1, self.parameters // len(classes) - 1))
        fitted, others = inputs[: len(at.labelled)], inputs[len(at.labelled) :]
        layer = SoftmaxLayer(fitted, known, c=len(classes), strength=self.strength)
        errors = self._errors(layer, others[: len(tried)], others[: len(judged)])
        now = float(_LOSSES[self.loss](layer.probs(others[: len(judged)])).mean())
        places = top_k(-errors, k=k, rng=rng)
        return tried[places], errors[places], now

    def _errors(self, layer: SoftmaxLayer, tried: Tensor, judged: Tensor) -> Float[Tensor, "q"]:
        """Expected error on the judged rows after the label of each tried one; both begin with the same rows."""
        c, width = layer.weights.shape
        exact = self.update == "exact"
        if self.update == "auto":
            exact = len(tried) * c * (c * width) ** 2 * (c * width + 3 * layer.size) < _LITTLE
        rows = torch.nn.functional.pad(judged, (0, 1), value=1.0)
        step = max(1, _TILE // (c * c * max(len(judged), width)))
        found = []
        for start in range(0, len(tried), step):
            report("expected_error_reduction", start, of=len(tried))
            some = tried[start : start + step]
            moved = (layer.refits(some) if exact else layer.moves(some)) + layer.weights
            said = (rows @ moved.flatten(0, 2).T).view(len(rows), len(some), c, c).softmax(-1)
            losses = _LOSSES[self.loss](said)
            # A row is not judged by itself: its label is then known.
            own = torch.arange(start, max(start, min(start + len(some), len(rows))), device=rows.device)
            losses[own, own - start] = 0
            others = torch.full((len(some), 1), float(len(rows)), dtype=rows.dtype, device=rows.device)
            others[: len(own)] -= 1
            found.append((layer.probs(some) * losses.sum(0) / others.clamp_min(1)).sum(1))
        return torch.cat(found)


def _scaled(embeddings: Float[Tensor, "n d"], pos: Int[Tensor, "q"]) -> Float[Tensor, "q d"]:
    """Some rows, from the middle of the table, in units in which its mean squared length is ``d``."""
    blocks = embeddings.split(block_rows(2 * embeddings.shape[1]))
    middle = torch.stack([block.sum(0, dtype=torch.float64) for block in blocks]).sum(0) / len(embeddings)
    squares = sum(float((block - middle).square().sum()) for block in blocks) / embeddings.numel()
    return (embeddings[pos] - middle) / max(squares**0.5, torch.finfo(torch.float32).tiny)


def _principal(rows: Float[Tensor, "q d"], most: int) -> Float[Tensor, "q e"]:
    """The rows in their principal directions, at most so many; as they are if they have no more."""
    if rows.shape[1] <= most:
        return rows
    moved = rows - rows.mean(0)
    return rows @ torch.linalg.eigh(moved.T @ moved).eigenvectors[:, -most:]
