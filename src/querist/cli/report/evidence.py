"""What the journal and the pool know about a run's picks: which rows, why, with which label, and how they look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from querist.core.errors import QueristError
from querist.core.events import LabelGiven
from querist.loop.result import RunResult, campaign_name
from querist.pool.pool import Pool
from querist.storage.journal import Journal

PICKS_A_ROUND = 8
ROUNDS = 30
BINS = 10


@dataclass(frozen=True, kw_only=True)
class ShownPick:
    """A pick as the report shows it.

    Args:
        row: pool id.
        reason: why it was asked.
        label: what the annotator said; ``None`` if nothing yet.
        payload: what the annotator saw; ``None`` where it cannot be read any more.
        key: path or index of the row in its source.
    """

    row: int
    reason: str
    label: Any = None
    payload: Any = None
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class ShownRound:
    """The first picks of a round, of ``size`` in all."""

    number: int
    size: int
    labels: int | None
    picks: tuple[ShownPick, ...]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Picks and labels of a run.

    Args:
        modality: of the payloads.
        rounds: of the first seed of the person's own strategy.
        asked: labels given, by arm, all seeds together.
        pool: true labels of all training rows, where every one is known.
        sizes: rows of each split.
        lost: why payloads cannot be shown; empty when they can.
    """

    modality: str = ""
    rounds: tuple[ShownRound, ...] = ()
    asked: dict[str, list[Any]] = field(default_factory=dict)
    pool: list[Any] | None = None
    sizes: dict[str, int] = field(default_factory=dict)
    lost: str = ""


def gather(result: RunResult, journal: Journal) -> Evidence:
    """Read what the report shows. Data that moved away cost the pictures, not the report."""
    own = next(iter(result.arms))
    campaign = campaign_name(own, result.arms[own][0].seed)
    asked = {
        arm: [
            event.payload
            for curve in curves
            for event in journal.events(campaign=campaign_name(arm, curve.seed))
            if isinstance(event, LabelGiven)
        ]
        for arm, curves in result.arms.items()
    }
    given = {
        event.query.row: event.payload for event in journal.events(campaign=campaign) if isinstance(event, LabelGiven)
    }
    pool, lost = _pool(result)
    records = [record for record in journal.rounds(campaign) if record.closed]
    rounds = tuple(
        ShownRound(
            number=record.number,
            size=len(record.picks),
            labels=record.labels,
            picks=tuple(_shown(pick.row, pick.reason, given, pool) for pick in record.picks[:PICKS_A_ROUND]),
        )
        for record in spread(records, ROUNDS)
    )
    if pool is None:
        return Evidence(rounds=rounds, asked=asked, lost=lost)
    return Evidence(
        modality=pool.modality,
        rounds=rounds,
        asked=asked,
        pool=pool.truth(pool.rows("train")) if pool.has_truth("train") else None,
        sizes={split: len(pool.rows(split)) for split in ("train", "validation", "test")},
    )


def _pool(result: RunResult) -> tuple[Pool | None, str]:
    """The run's pool, or why there is none any more."""
    from querist.pool.sources import open_pool

    settings = result.settings
    try:
        pool = open_pool(
            settings.located_data,
            text=settings.text,
            label=settings.label,
            split=settings.split,
            skip_bad=settings.skip_bad,
        )
        if settings.task is not None:
            pool = pool.labelled_as(settings.task)
    except QueristError as error:
        return None, str(error)
    if settings.found.pool is not None and pool.fingerprint != settings.found.pool:
        return None, f"{settings.data} has changed since the run"
    return pool, ""


def _shown(row: int, reason: str, given: dict[int, Any], pool: Pool | None) -> ShownPick:
    payload, key = None, ""
    if pool is not None:
        key = pool.key(row)
        try:
            payload = pool[row]
        except QueristError as error:  # a file that was there when the run started
            reason = f"{reason} ({error})"
    return ShownPick(row=row, reason=reason, label=given.get(row), payload=payload, key=key)


def spread(items: Sequence[Any], most: int) -> list[Any]:
    """At most ``most`` of ``items``, evenly spaced, the first and the last among them.

    Example:
        >>> spread(range(9), 3), spread(range(2), 3)
        ([0, 4, 8], [0, 1])
    """
    if len(items) <= most:
        return list(items)
    return [items[int(place)] for place in np.linspace(0, len(items) - 1, most).round()]


def shares(groups: dict[str, list[Any]], *, task: str, classes: Sequence[str]) -> dict[str, dict[str, float]]:
    """For each group of labels, the share of each class (tag, bin of values) in it.

    Classes of a multilabel row and tags of a sentence count one each. Tags outside every entity are left out: they
    are most of a text and say nothing about what was asked.

    Args:
        groups: name -> labels, as people give them.
        task: kind of the task.
        classes: order of the classes; those that occur and are not named come after them.

    Example:
        >>> shares({"asked": ["a", "a", "b"]}, task="classification", classes=["a", "b"])["asked"]["b"]
        0.3333333333333333
    """
    if task == "regression":
        return _binned(groups)
    counts = {name: Counter(_words(labels, task)) for name, labels in groups.items()}
    order = dict.fromkeys(_words([list(classes)], task) if task == "tokens" else classes)
    for counted in counts.values():
        order.update(dict.fromkeys(counted))
    return {name: {word: counted[word] / max(counted.total(), 1) for word in order} for name, counted in counts.items()}


def _words(labels: Iterable[Any], task: str) -> list[str]:
    if task == "classification":
        return [str(label) for label in labels]
    words = [str(word) for label in labels for word in label]
    return [word.partition("-")[2] or word for word in words if word != "O"] if task == "tokens" else words


def _binned(groups: dict[str, list[Any]]) -> dict[str, dict[str, float]]:
    """Values in bins of equal width over the range of all of them."""
    arrays = {name: np.asarray(labels, dtype=np.float64) for name, labels in groups.items()}
    whole = np.concatenate(list(arrays.values())) if arrays else np.empty(0)
    if not len(whole):
        return {name: {} for name in groups}
    edges = np.histogram_bin_edges(whole, bins=BINS)
    names = [f"{low:.3g} to {high:.3g}" for low, high in pairwise(edges)]
    return {
        name: dict(zip(names, (np.histogram(array, edges)[0] / max(len(array), 1)).tolist(), strict=True))
        for name, array in arrays.items()
    }
