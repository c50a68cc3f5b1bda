"""Twins of the stopping rules: whether to stop, from plain lists with one entry a round, all with different labels."""

from __future__ import annotations

import math

Classes = list[int]


def kappa(before: Classes, now: Classes) -> float:
    """Agreement beyond chance, from the table of both models' classes."""
    names = sorted({*before, *now})
    n = len(now)
    table = {(a, b): 0 for a in names for b in names}
    for a, b in zip(before, now, strict=True):
        table[a, b] += 1
    agreed = sum(table[a, a] for a in names) / n
    chance = 0.0
    for name in names:
        chance += sum(table[name, b] for b in names) / n * sum(table[a, name] for a in names) / n
    return 1.0 if chance == 1 else (agreed - chance) / (1 - chance)


def stabilising_predictions(predictions: list[Classes], *, agreement: float, rounds: int) -> bool:
    """The mean kappa of the last ``rounds`` pairs."""
    values = [kappa(predictions[i - 1], predictions[i]) for i in range(1, len(predictions))]
    return len(values) >= rounds and sum(values[-rounds:]) / rounds >= agreement


def classification_change(predictions: list[Classes], *, share: float, rounds: int) -> bool:
    """Units that changed, in each of the last ``rounds`` pairs."""
    values = []
    for i in range(1, len(predictions)):
        moved = 0
        for before, now in zip(predictions[i - 1], predictions[i], strict=True):
            moved += before != now
        values.append(moved / len(predictions[i]))
    return len(values) >= rounds and all(value <= share for value in values[-rounds:])


def f_change(before: Classes, now: Classes) -> float:
    """``1 - 2a / (2a + b + c)``, class by class."""
    changes = []
    for name in sorted({*before, *now}):
        a = sum(x == name and y == name for x, y in zip(before, now, strict=True))
        b = sum(x == name and y != name for x, y in zip(before, now, strict=True))
        c = sum(x != name and y == name for x, y in zip(before, now, strict=True))
        changes.append(1 - 2 * a / (2 * a + b + c))
    return sum(changes) / len(changes)


def predicted_change(predictions: list[Classes], *, change: float, rounds: int) -> bool:
    """The mean forecast of the last ``rounds`` pairs."""
    values = [f_change(predictions[i - 1], predictions[i]) for i in range(1, len(predictions))]
    return len(values) >= rounds and sum(values[-rounds:]) / rounds < change


def last_at_most(values: list[float], limit: float) -> bool:
    """Maximum uncertainty, overall uncertainty and expected error: the last round's."""
    return bool(values) and values[-1] <= limit


def selected_accuracy(right: list[int], asked: list[int], *, accuracy: float, rounds: int) -> bool:
    """Right guesses among all rows of the last ``rounds``; no entry for the first round."""
    if len(asked) < rounds:
        return False
    hits = total = 0
    for i in range(len(asked) - rounds, len(asked)):
        hits, total = hits + right[i], total + asked[i]
    return hits / total >= accuracy


def plateau(values: list[float], *, patience: int, at_least: float) -> bool:
    """Whether none of the last ``patience`` values beats all before them."""
    if len(values) <= patience:
        return False
    before = values[: len(values) - patience]
    return all(value <= max(before) + at_least for value in values[len(values) - patience :])


def affordable(labels: int, money: float | None, price: float, hours: float | None, seconds_a_label: float) -> int:
    """The most labels in all under each limit, counted one by one; the machine costs nothing."""
    n = 0
    while True:
        n += 1
        over = n > labels
        over = over or (money is not None and n * price > money + 1e-9)
        over = over or (hours is not None and n * seconds_a_label / 3600 > hours + 1e-9)
        if over:
            return n - 1


def gain_ahead(labels: list[int], errors: list[float], *, more: float, share: float) -> float:
    """The gain of ``more`` labels that so much of the weight does not exceed, curve by curve."""
    curves = []
    for i in range(40):
        c = 0.1 * (3.0 / 0.1) ** (i / 39)
        for j in range(61):
            a = (j / 60) ** 2 * max(errors)
            falls = [(n / labels[0]) ** -c for n in labels]
            up = sum(f * (e - a) for f, e in zip(falls, errors, strict=True))
            b = max(up / sum(f * f for f in falls), 0.0)
            off = sum((e - a - b * f) ** 2 for f, e in zip(falls, errors, strict=True)) / len(labels)
            now = labels[-1] / labels[0]
            gain = b * now**-c - b * ((1 + more) * now) ** -c
            curves.append((gain, -0.5 * max(len(labels) - 3, 1) * math.log(off + 1e-6)))
    top = max(log for _, log in curves)
    weighed = sorted((gain, math.exp(log - top)) for gain, log in curves)
    total, so_far = sum(weight for _, weight in weighed), 0.0
    for gain, weight in weighed:
        so_far += weight
        if so_far >= share * total - 1e-12 * total:
            return gain
    return weighed[-1][0]
