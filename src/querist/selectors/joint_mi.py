"""Joint mutual information: the batch whose labels, taken together, tell most about the drawn networks.

Paper: kirsch2019batchbald (BatchBALD). The information ``I(y_1..y_b; w)`` is submodular: what a row adds only falls as
the batch grows, and is at first its BALD score. So old gains are upper bounds, and a step looks only at rows whose
bound beats the best gain found. Cost: ``O(s n c)`` for the bounds, then ``O(m s c)`` a row looked at, ``m`` being the
number of configurations; memory ``O(n c + m (s + c))`` beside the samples.
"""

from __future__ import annotations

from typing import Any

import torch

from querist.core.errors import DataError, NonFinite, UsageError
from querist.core.progress import report
from querist.core.rng import generator
from querist.core.types import Float, Generator, Int, Tensor
from querist.scores.bald import bald
from querist.selectors.base import free_positions, positions, refuse_impossible, shuffled
from querist.selectors.memory import Memory
from querist.selectors.points import as_table

_TILE = 1 << 20
"""Numbers of a table of predictions that stand in memory at once."""
_SETTLED = 1e-5
"""Nats. A configuration that leaves less than this to learn about the networks counts as leaving nothing."""
_LEARNED = 1e-3
"""Nats. A batch that leaves less than this to learn counts as telling the networks apart."""
_BLOCK = 16
"""Rows whose gains are computed together."""
_ALIKE = 16
"""Outcomes taken together, on average, for a quick bound."""


def joint_mi(
    prob_samples: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    configurations: int = 10_000,
    memory_mb: float | None = None,
) -> Int[Tensor, "k"]:
    """Positions that add most to ``I(y_1..y_b; w)``, one at a time.

    The greedy answer is exact while the outcomes of all picks but the last, ``c^(b-1)`` of them, fit into
    ``configurations``; its information is at least ``1 - 1/e`` of the best batch's. After that outcomes are drawn.
    The standard error of a gain is then at most ``log(c) / (2 sqrt(configurations))`` nats, 0.012 at the default and
    10 classes, and in practice far below it: an outcome that already tells the networks apart adds no error.
    When all do, no row can add anything, and the rest are those that tell most alone.

    Args:
        prob_samples: ``[s n c]``, the probabilities of networks drawn once for all rows (torch or numpy).
        k: how many.
        labelled: positions whose labels count as asked already, never returned. Give those that the networks have
            not learned from; what they have learned is in the probabilities.
        candidates: positions that may be returned; all if ``None``.
        rng: breaks ties, and draws outcomes where there are too many; a generator with seed 0 if ``None``.
        configurations: outcomes of the batch that are looked at, the paper's ``m``.
        memory_mb: megabytes that may be taken beside the samples; as many as are useful if ``None``.

    Raises:
        UsageError, PoolExhausted: ``k`` below 1, or over what is open; no configurations.
        DataError: not ``[s n c]``, or no distribution; names the position.
        NonFinite: NaN or infinity; names the position.
        MemoryTooSmall: what must be held is over the limit.

    Example:
        >>> halves, yes = [0.5, 0.5], [1.0, 0.0]
        >>> torn, copy, other = [yes, yes, halves, halves], [yes, yes, halves, halves], [yes, halves, yes, halves]
        >>> picked = joint_mi(torch.tensor([torn, copy, other]).movedim(1, 0), k=2)
        >>> 2 in picked   # never the copies 0 and 1 together
        True
    """
    return joint_mi_gains(
        prob_samples,
        k=k,
        labelled=labelled,
        candidates=candidates,
        rng=rng,
        configurations=configurations,
        memory_mb=memory_mb,
    )[0]


def joint_mi_gains(
    prob_samples: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    configurations: int = 10_000,
    memory_mb: float | None = None,
) -> tuple[Int[Tensor, "k"], Float[Tensor, "k"]]:
    """:func:`joint_mi`, and the nats that each pick added; their sum is the information of the batch."""
    if configurations < 1:
        raise UsageError(f"{configurations} configurations were asked for", hint="ask for 1 or more")
    rng = generator(0) if rng is None else rng
    samples = _Samples(prob_samples)
    n, device = samples.rows, samples.device
    free = shuffled(free_positions(n, labelled, candidates, device), rng)  # sorting stably keeps ties in this order
    refuse_impossible(k, len(free))
    s, c, size = samples.networks, samples.classes, samples.dtype.itemsize
    # Numbers a row; and each outcome with its belief, once more for its labels, and in its rough form.
    memory = Memory("joint_mi", memory_mb, held=48 * n + size * 6 * configurations * (s + c))
    tile = memory.tile(_TILE, itemsize=size, least=4 * c * max(s, configurations))
    outcomes = _Outcomes(samples, configurations, rng, tile)
    for pos in positions("labelled", labelled, n, device).tolist():
        outcomes.add(pos)

    alone = torch.cat([bald(samples.at(pos)) for pos in free.split(max(1, tile // (s * c)))])
    bounds = alone.clone()
    picked: list[int] = []
    gains: list[float] = []
    while len(picked) < k and len(outcomes):
        report("joint_mi", len(picked), of=k)
        place, gain = _best(bounds, free, outcomes)
        picked.append(place)
        gains.append(gain)
        bounds[place] = -torch.inf
        if len(picked) < k:
            outcomes.add(int(free[place]))
    rest = alone.clone()
    rest[picked] = -torch.inf
    order = torch.argsort(rest, descending=True, stable=True)[: k - len(picked)]
    where = torch.cat([torch.tensor(picked, dtype=torch.long, device=device), order])
    return free[where], torch.tensor(gains + [0.0] * len(order), dtype=samples.dtype, device=device)


def _best(bounds: Tensor, free: Tensor, outcomes: _Outcomes) -> tuple[int, float]:
    """The place of highest gain and the gain; ``bounds`` become gains where they had to be looked at."""
    rounding = 16 * torch.finfo(bounds.dtype).eps
    order = torch.argsort(bounds, descending=True, stable=True)
    order = order[bounds[order] > -torch.inf]  # picked ones stay out
    # The few of highest bound give a gain to beat. Where bounds beat it, rough ones say which rows to try.
    place, best = _try(bounds, free, outcomes, order[:_BLOCK], -1, -torch.inf)
    above = order[_BLOCK:]
    above = above[bounds[above] > best + rounding]
    bounds[above] = torch.minimum(bounds[above], outcomes.bounds(free[above]))
    above = above[torch.argsort(bounds[above], descending=True, stable=True)]
    return _try(bounds, free, outcomes, above, place, best + rounding)


def _try(
    bounds: Tensor, free: Tensor, outcomes: _Outcomes, order: Tensor, place: int, best: float
) -> tuple[int, float]:
    """Compute gains in this order until no bound further on beats the best one found."""
    for start in range(0, len(order), _BLOCK):
        block = order[start : start + _BLOCK]
        if best >= float(bounds[block[0]]):
            break
        bounds[block] = outcomes.gains(free[block])
        top = block[bounds[block].argmax()]
        if float(bounds[top]) > best:
            place, best = int(top), float(bounds[top])
    return place, best


class _Outcomes:
    """Labels that the batch so far may turn out to have, and what each would say about the networks.

    Row ``j`` of ``belief [m s]`` is the posterior over networks after outcome ``j``, whose chance is ``chance[j]``. The
    information that a row ``x`` adds is ``sum_j chance_j (H(belief_j p_x) - belief_j H(p_x))``: each term is a mutual
    information of its own, and no product of many small probabilities is ever formed.

    Who is told only roughly which outcome it was knows less, so a row adds at least as much for him: outcomes of like
    belief taken together give upper bounds of the gains, in a fraction of the time.
    """

    def __init__(self, samples: _Samples, most: int, rng: Generator, tile: int) -> None:
        self.samples, self.most, self.rng, self._tile = samples, most, rng, tile
        s = samples.networks
        self.belief = torch.full((1, s), 1 / s, dtype=samples.dtype, device=samples.device)
        self.chance = torch.ones(1, dtype=samples.dtype, device=samples.device)
        self._settle()

    def __len__(self) -> int:
        return len(self.chance)

    def gains(self, pos: Int[Tensor, "q"]) -> Float[Tensor, "q"]:
        """What each of these rows would add, in nats."""
        return self._gains(pos, self.belief, self.chance)

    def bounds(self, pos: Int[Tensor, "q"]) -> Float[Tensor, "q"]:
        """No less than what each of these rows would add."""
        return self._gains(pos, *self._rough)

    def _gains(self, pos: Tensor, beliefs: Tensor, chances: Tensor) -> Tensor:
        s, c = self.samples.networks, self.samples.classes
        at_once = max(1, self._tile // (c * max(s, min(len(chances), 1024))))
        return torch.cat([self._gains_of(some, beliefs, chances) for some in pos.split(at_once)])

    def _gains_of(self, pos: Tensor, beliefs: Tensor, chances: Tensor) -> Tensor:
        probs = self.samples.at(pos)
        s, q, c = probs.shape
        doubt = torch.zeros(q, dtype=probs.dtype, device=probs.device)
        rows = max(1, self._tile // max(1, q * c))
        for belief, chance in zip(beliefs.split(rows), chances.split(rows), strict=True):
            doubt += _entropy((belief @ probs.view(s, q * c)).view(len(chance), q, c), weights=chance)
        known = _entropy(probs, weights=chances @ beliefs)
        return (doubt - known).clamp_min_(0)

    def add(self, pos: int) -> None:
        """Let every outcome go on with each label of this row; draw among them if they become too many."""
        probs = self.samples.at(pos)
        chance = (self.chance[:, None] * (self.belief @ probs)).flatten()
        kept = torch.nonzero(chance).flatten()
        weight = chance[kept]
        if len(kept) > self.most:
            # Systematic draws: one number places a comb over the chances, so all stand for what they were worth.
            ends = weight.double().cumsum(0)
            shift = torch.rand((), generator=self.rng, dtype=torch.float64).to(ends.device)
            comb = (torch.arange(self.most, device=ends.device) + shift) * (ends[-1] / self.most)
            hits = torch.searchsorted(ends, comb, right=True).clamp_max(len(kept) - 1)
            hit, times = torch.unique_consecutive(hits, return_counts=True)
            kept, weight = kept[hit], (times * (ends[-1] / self.most)).to(weight.dtype)
        c = probs.shape[1]
        belief = self.belief[kept // c] * probs.T[kept % c]
        self.belief, self.chance = belief / belief.sum(1, keepdim=True), weight
        self._settle()

    def _settle(self) -> None:
        """Drop outcomes that leave nothing to learn, and take the others together by likeness."""
        # Products of tiny numbers become subnormal ones, which a processor computes very slowly.
        self.belief.masked_fill_(self.belief < torch.finfo(self.belief.dtype).eps ** 2, 0)
        left = torch.special.entr(self.belief).sum(1)
        open_ = left > _SETTLED
        if float(self.chance @ left) < _LEARNED:
            open_[:] = False
        self.belief, self.chance = self.belief[open_], self.chance[open_]
        self._rough = self.belief, self.chance
        if len(self) < 64 * _ALIKE:
            return
        # The outcomes that leave most to learn stand for themselves; each other one joins the nearest of them.
        size = len(self) // _ALIKE
        roots = self.belief.sqrt()
        anchors = roots[(self.chance * left[open_]).topk(size).indices].T
        near = torch.cat([(block @ anchors).argmax(1) for block in roots.split(max(1, self._tile // size))])
        chance = self.chance.new_zeros(size).index_add_(0, near, self.chance)
        belief = self.belief.new_zeros(size, self.belief.shape[1])
        belief.index_add_(0, near, self.chance[:, None] * self.belief)
        self._rough = belief[chance > 0] / chance[chance > 0, None], chance[chance > 0]


def _entropy(probs: Float[Tensor, "m q c"], *, weights: Float[Tensor, "m"]) -> Float[Tensor, "q"]:
    """Weighted mean over the first axis of the entropies of the last."""
    terms = probs.clamp_min(torch.finfo(probs.dtype).tiny)
    terms = terms.log().mul_(terms)
    return -(weights @ terms.flatten(1)).view(probs.shape[1:]).sum(-1)


class _Samples:
    """Probabilities by network, row and class, read for some rows at a time and checked once, network by network."""

    def __init__(self, prob_samples: Any) -> None:
        table = as_table(prob_samples, axes="s n c")
        self.networks, self.rows, self.classes = table.shape
        if not self.networks or not self.classes:
            raise DataError(f"samples have the shape {list(table.shape)}", hint="give [s n c], a network after another")
        self._table = table
        self.device = table.device
        self.dtype = torch.float64 if table.dtype == torch.float64 else torch.float32
        for network in table:
            for start in range(0, self.rows, _TILE // 4):
                self._refuse(network[start : start + _TILE // 4].to(self.dtype), start)

    def at(self, pos: Int[Tensor, "q"] | int) -> Float[Tensor, "s q c"]:
        """What every network says of these rows (``[s c]`` of one)."""
        return self._table[:, pos].to(self.dtype)

    @staticmethod
    def _refuse(probs: Tensor, start: int) -> None:
        total = probs.sum(-1)
        if not bool(torch.isfinite(total).all()):
            raise NonFinite("the distribution", start + int(torch.nonzero(~torch.isfinite(total))[0]))
        off = torch.nonzero(((total - 1).abs() > 1e-3) | (probs < 0).any(-1)).flatten()
        if len(off):
            raise DataError(
                f"probabilities of position {start + int(off[0])} do not sum to one", hint="pass a softmax of scores"
            )
