"""Twins of the crowd: from tables of votes, a row a line and ``None`` where an annotator did not answer."""

from __future__ import annotations

import math

from querist.testing.naive import Vector

Table = list[list[int | None]]


def majority_shares(table: Table, c: int) -> list[Vector]:
    """Share of each row's votes that each class has."""
    shares = []
    for row in table:
        said = [vote for vote in row if vote is not None]
        shares.append([said.count(k) / len(said) if said else 1 / c for k in range(c)])
    return shares


def dawid_skene_probs(table: Table, c: int, *, steps: int, smoothing: float = 0.0) -> list[Vector]:
    """Chances of the classes after so many steps."""
    probs = majority_shares(table, c)
    annotators = range(len(table[0]))
    for _ in range(steps):
        prior = _shares([smoothing + sum(row[k] for row in probs) for k in range(c)])
        matrices = []
        for j in annotators:
            counts = [[smoothing] * c for _ in range(c)]
            for row, chances in zip(table, probs, strict=True):
                vote = row[j]
                if vote is not None:
                    for k in range(c):
                        counts[k][vote] += chances[k]
            matrices.append([_shares(line) for line in counts])
        probs = [_posterior(prior, row, lambda j, k, vote, m=matrices: m[j][k][vote]) for row in table]
    return probs


def one_coin_probs(table: Table, c: int, *, steps: int) -> list[Vector]:
    """Chances of the classes after so many steps."""
    probs = majority_shares(table, c)
    for _ in range(steps):
        prior = _shares([sum(row[k] for row in probs) for k in range(c)])
        coins = []
        for j in range(len(table[0])):
            hits = []
            for row, chances in zip(table, probs, strict=True):
                vote = row[j]
                if vote is not None:
                    hits.append(chances[vote])
            coins.append(sum(hits) / len(hits) if hits else 0.5)
        probs = [
            _posterior(prior, row, lambda j, k, vote, q=coins: q[j] if vote == k else (1 - q[j]) / (c - 1))
            for row in table
        ]
    return probs


def mace_probs(table: Table, c: int, *, steps: int, smoothing: float = 0.01) -> list[Vector]:
    """Chances of the classes after so many steps: each vote is a look at the truth or a click."""
    probs = majority_shares(table, c)
    annotators = range(len(table[0]))
    looks, clicks = [0.5 for _ in annotators], [[1 / c] * c for _ in annotators]
    for _ in range(steps):
        next_looks, next_clicks = [], []
        for j in annotators:
            looked, clicked = smoothing, [smoothing] * c
            for row, chances in zip(table, probs, strict=True):
                vote = row[j]
                if vote is not None:
                    by_click = (1 - looks[j]) * clicks[j][vote]
                    knew = chances[vote] * looks[j] / (looks[j] + by_click)
                    looked += knew
                    clicked[vote] += 1 - knew
            blind = sum(clicked) - smoothing * c + smoothing  # the two sums are smoothed apart
            next_looks.append(looked / (looked + blind))
            next_clicks.append(_shares(clicked))
        prior = _shares([smoothing + sum(row[k] for row in probs) for k in range(c)])
        looks, clicks = next_looks, next_clicks
        probs = [
            _posterior(
                prior,
                row,
                lambda j, k, vote, s=looks, x=clicks: s[j] * (vote == k) + (1 - s[j]) * x[j][vote],
            )
            for row in table
        ]
    return probs


def crowdlab_weights(table: Table, probs: list[Vector]) -> tuple[Vector, float, float]:
    """Weights of annotators and model, and the chance that a vote is the consensus; ties go to the model's class."""
    c = len(probs[0])
    said = [[vote for vote in row if vote is not None] for row in table]
    many = [pos for pos, votes in enumerate(said) if len(votes) > 1]
    labels = {pos: max(range(c), key=lambda k: (said[pos].count(k), probs[pos][k])) for pos in many}
    constant = max(sum(label == k for label in labels.values()) for k in range(c)) / len(many)
    missed = max(1 - constant, 1e-6)
    agreements = []
    for j in range(len(table[0])):
        same = others = 0
        for row in table:
            for i, vote in enumerate(row):
                if i != j and vote is not None and row[j] is not None:
                    same += vote == row[j]
                    others += 1
        agreements.append(same / others if others else None)
    known = [agreement for agreement in agreements if agreement is not None]
    mean = sum(known) / len(known)
    annotators = [max(1 - (1 - (mean if s is None else s)) / missed, 1e-6) for s in agreements]
    right = sum(probs[pos].index(max(probs[pos])) == labels[pos] for pos in many) / len(many)
    voted = [votes for votes in said if votes]
    model = max(1 - (1 - right) / missed, 1e-6) * math.sqrt(sum(map(len, voted)) / len(voted))
    agreement = sum(said[pos].count(labels[pos]) / len(said[pos]) for pos in many) / len(many)
    return annotators, model, agreement


def crowdlab_probs(table: Table, probs: list[Vector]) -> list[Vector]:
    """The weighted mean of the model's chances and of what each vote is believed to mean."""
    annotators, model, agreement = crowdlab_weights(table, probs)
    c = len(probs[0])
    pooled = []
    for row, chances in zip(table, probs, strict=True):
        total = model + sum(w for w, vote in zip(annotators, row, strict=True) if vote is not None)
        line = []
        for k in range(c):
            belief = model * chances[k]
            for w, vote in zip(annotators, row, strict=True):
                if vote is not None:
                    belief += w * (agreement if vote == k else (1 - agreement) / (c - 1))
            line.append(belief / total)
        pooled.append(line)
    return pooled


def _posterior(prior: Vector, row: list[int | None], chance: object) -> Vector:
    """Chance of each class times that of each vote, made to sum to one."""
    joint = []
    for k, product in enumerate(prior):
        for j, vote in enumerate(row):
            if vote is not None:
                product *= chance(j, k, vote)  # type: ignore[operator]
        joint.append(product)
    return _shares(joint)


def _shares(counts: Vector) -> Vector:
    total = sum(counts)
    return [count / total if total else 1 / len(counts) for count in counts]
