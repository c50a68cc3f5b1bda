"""What a run found: curves of each arm and seed, read from the journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from querist.loop.advisor import Advice
from querist.loop.settings import RunSettings
from querist.stopping.base import Verdict
from querist.storage.journal import Journal


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """A closed round: labels on the bill, test metrics, and what the round cost in seconds."""

    labels: int
    metrics: dict[str, float]
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class CampaignCurve:
    """One seed of one arm."""

    seed: int
    points: tuple[CurvePoint, ...]
    picked: tuple[tuple[int, ...], ...] = ()
    """Pool ids a round, in the order picked, the initial round included."""
    advice: tuple[Advice | None, ...] = ()
    """Who chose each of these rounds, and why, where an advisor said it."""

    def turns(self) -> list[tuple[int, Advice]]:
        """Labels on the bill when an advisor took another strategy than before, and its advice."""
        found: list[tuple[int, Advice]] = []
        for number, advice in enumerate(self.advice):
            if advice is not None and (not found or found[-1][1].strategy != advice.strategy):
                found.append((self.points[number - 1].labels if number else 0, advice))
        return found


@dataclass(frozen=True, kw_only=True)
class Band:
    """The mean over seeds at one number of labels, with the lowest and highest seed."""

    labels: int
    value: float
    low: float
    high: float


def band(curves: Sequence[CampaignCurve], metric: str) -> list[Band]:
    """Mean, lowest and highest value over seeds, at the label counts that every seed has reached.

    Example:
        >>> a = CampaignCurve(seed=0, points=(CurvePoint(labels=20, metrics={"accuracy": 0.5}),))
        >>> b = CampaignCurve(seed=1, points=(CurvePoint(labels=20, metrics={"accuracy": 0.7}),))
        >>> [(x.labels, round(x.value, 3), x.low, x.high) for x in band([a, b], "accuracy")]
        [(20, 0.6, 0.5, 0.7)]
    """
    tables = [{point.labels: point.metrics[metric] for point in curve.points} for curve in curves]
    shared = sorted(set.intersection(*(set(table) for table in tables))) if tables else []
    return [
        Band(
            labels=labels,
            value=sum(table[labels] for table in tables) / len(tables),
            low=min(table[labels] for table in tables),
            high=max(table[labels] for table in tables),
        )
        for labels in shared
    ]


def labels_to_reach(curve: Sequence[Band], target: float, *, lower_is_better: bool = False) -> int | None:
    """The first measured label count whose mean reaches ``target``; ``None`` if none does."""
    sign = -1 if lower_is_better else 1
    return next((point.labels for point in curve if sign * point.value >= sign * target), None)


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """A run, finished or not.

    Args:
        out: run folder.
        settings: with what was found by itself.
        metric: metric of the curves.
        lower_is_better: its direction.
        arms: strategy name -> one curve a seed, the person's own strategy first.
        notes: what a person should know (guesses, overlaps, free labels).
        stopped: campaign -> why it stopped.
        stands: campaign -> where each stopping rule stood after its last round, by name.
    """

    out: Path
    settings: RunSettings
    metric: str
    lower_is_better: bool
    arms: dict[str, list[CampaignCurve]]
    notes: tuple[str, ...] = ()
    stopped: dict[str, str] = field(default_factory=dict)
    stands: dict[str, dict[str, Verdict]] = field(default_factory=dict)

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds of all campaigns together: train, views, select, total."""
        spent = {"train": 0.0, "views": 0.0, "select": 0.0}
        for curves in self.arms.values():
            for curve in curves:
                for point in curve.points:
                    for name in spent:
                        spent[name] += point.seconds.get(name, 0.0)
        return {**spent, "total": sum(spent.values())}

    def band(self, arm: str) -> list[Band]:
        """The arm's curve over its seeds."""
        return band(self.arms[arm], self.metric)

    def to_json(self) -> dict[str, Any]:
        """What ``querist run --json`` prints."""
        own, *others = self.arms
        target = self.settings.target

        def reached(arm: str) -> int | None:
            if target is None:
                return None
            return labels_to_reach(self.band(arm), target, lower_is_better=self.lower_is_better)

        def curve(arm: str) -> list[dict[str, float]]:
            return [
                {"labels": point.labels, "value": point.value, "low": point.low, "high": point.high}
                for point in self.band(arm)
            ]

        turns = [(curve.seed, *turn) for curve in self.arms[own] for turn in curve.turns()]
        advice = [{"seed": seed, "labels": labels, **said.to_plain()} for seed, labels, said in turns]
        return {
            "run": str(self.out),
            "strategy": own,
            "metric": self.metric,
            "seeds": list(self.settings.seeds),
            "curve": curve(own),
            "twin": {"strategy": others[0], "curve": curve(others[0])} if others else None,
            "target": {"value": target, "labels": reached(own), "twin": reached(others[0]) if others else None},
            "picked": [list(rows) for rows in self.arms[own][0].picked[1:]],
            "seconds": self.seconds,
            **({"advice": advice} if advice else {}),
        }


def read_curves(journal: Journal, settings: RunSettings) -> dict[str, list[CampaignCurve]]:
    """Every campaign's closed rounds, by arm and seed."""
    return {arm: [_curve(journal, campaign_name(arm, seed), seed) for seed in settings.seeds] for arm in settings.arms}


def campaign_name(arm: str, seed: int) -> str:
    """What a campaign is called in the journal."""
    return f"{arm}/{seed}"


def _curve(journal: Journal, campaign: str, seed: int) -> CampaignCurve:
    closed = [record for record in journal.rounds(campaign) if record.closed]
    return CampaignCurve(
        seed=seed,
        points=tuple(
            CurvePoint(labels=record.labels or 0, metrics=dict(record.metrics), seconds=dict(record.seconds))
            for record in closed
        ),
        picked=tuple(tuple(pick.row for pick in record.picks) for record in closed),
        advice=tuple(Advice.from_plain(record.state) for record in closed),
    )
