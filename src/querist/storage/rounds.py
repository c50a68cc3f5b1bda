"""Rounds in the journal: what was asked, why, and how it ended.

A round is written twice: when it is asked, before anybody answers, and when it is closed. Saying the same again
changes nothing, so a run that was killed in between simply repeats itself; saying something else is refused.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, insert, select, update

from querist.core.errors import JournalError
from querist.storage import schema
from querist.storage.plain import plain


@dataclass(frozen=True)
class Pick:
    """A row that a round asked, why, and its place in the order of the picks (from 0)."""

    row: int
    reason: str
    order: int


@dataclass(frozen=True, kw_only=True)
class Round:
    """One round of a campaign, as the journal knows it.

    Args:
        number: as it was asked.
        picks: in the order they were picked.
        asked_by: fingerprint of the weights that asked.
        model_version: fingerprint of the weights fitted when the round was closed; ``asked_by`` before that.
        state: plain data of a stateful strategy.
        labels: labels on the bill when it was closed; ``None`` before that.
        trained_through: ``seq`` of the last event that its training knew of.
        metrics: what was measured when it was closed.
        seconds: what took how long.
        closed: whether it was closed.
    """

    number: int
    picks: tuple[Pick, ...]
    asked_by: str = ""
    model_version: str = ""
    state: Any = None
    labels: int | None = None
    trained_through: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    closed: bool = False


def write_round(
    connection: Connection, campaign: str, number: int, picks: Sequence[Pick], *, model_version: str, state: Any
) -> None:
    """Record a round that is asked, or find it recorded with the same rows in the same order."""
    ordered = sorted(picks, key=lambda pick: pick.order)
    if len({pick.order for pick in ordered}) < len(ordered):
        raise JournalError(f"two picks of round {number} have one place in the order", hint="count them from 0")
    known = read_rounds(connection, campaign, number=number)
    if known:
        if [pick.row for pick in known[0].picks] != [int(pick.row) for pick in ordered]:
            raise JournalError(
                f"round {number} of {campaign} is recorded with {len(known[0].picks)} other rows",
                hint="the data, the settings or the code changed since; start a new run",
            )
        return
    place = {"campaign": campaign, "number": int(number)}
    asked = {"asked_at": time.time(), "asked_by": model_version, "state": plain(state, "the strategy's state")}
    connection.execute(insert(schema.rounds).values(place | asked))
    if ordered:
        values = [{"place": int(pick.order), "row": int(pick.row), "reason": pick.reason} for pick in ordered]
        connection.execute(insert(schema.picks), [place | value for value in values])


def write_outcome(
    connection: Connection,
    campaign: str,
    number: int,
    *,
    labels: int,
    metrics: Mapping[str, float],
    seconds: Mapping[str, float],
    model_version: str,
    trained_through: int,
) -> None:
    """Close a round that was asked, or find it closed with the same labels and metrics."""
    known = read_rounds(connection, campaign, number=number)
    if not known:
        raise JournalError(f"round {number} of {campaign} was never asked", hint="ask it first")
    if known[0].closed:
        if known[0].labels != labels or not _equal(known[0].metrics, metrics):
            raise JournalError(
                f"round {number} of {campaign} is closed with {known[0].labels} labels and other metrics",
                hint="the data, the settings or the code changed since; start a new run",
            )
        return
    outcome = {
        "closed_at": time.time(),
        "labels": int(labels),
        "trained_through": int(trained_through),
        "model_version": model_version,
        "seconds": {name: float(value) for name, value in seconds.items()},
    }
    connection.execute(update(schema.rounds).where(*_at(schema.rounds, campaign, number)).values(outcome))
    if metrics:
        place = {"campaign": campaign, "number": int(number)}
        values = [{"name": name, "value": _nan_to_null(float(value))} for name, value in metrics.items()]
        connection.execute(insert(schema.metrics), [place | value for value in values])


def read_rounds(connection: Connection, campaign: str, *, number: int | None = None) -> list[Round]:
    """The rounds of ``campaign``, or the one with ``number``, by number."""
    rounds, picks, metrics = schema.rounds, schema.picks, schema.metrics
    picked: dict[int, list[Pick]] = defaultdict(list)
    for found in connection.execute(
        select(picks).where(*_at(picks, campaign, number)).order_by(picks.c.number, picks.c.place)
    ):
        picked[found.number].append(Pick(row=found.row, reason=found.reason, order=found.place))
    measured: dict[int, dict[str, float]] = defaultdict(dict)
    for found in connection.execute(select(metrics).where(*_at(metrics, campaign, number)).order_by(metrics.c.name)):
        measured[found.number][found.name] = math.nan if found.value is None else found.value
    return [
        Round(
            number=found.number,
            picks=tuple(picked[found.number]),
            asked_by=found.asked_by,
            model_version=found.asked_by if found.model_version is None else found.model_version,
            state=found.state,
            labels=found.labels,
            trained_through=found.trained_through or 0,
            metrics=measured[found.number],
            seconds=found.seconds or {},
            closed=found.closed_at is not None,
        )
        for found in connection.execute(select(rounds).where(*_at(rounds, campaign, number)).order_by(rounds.c.number))
    ]


def _at(table: Table, campaign: str, number: int | None) -> list[ColumnElement[bool]]:
    where = [table.c.campaign == campaign]
    return where if number is None else [*where, table.c.number == int(number)]


def _nan_to_null(value: float) -> float | None:
    return None if math.isnan(value) else value


def _equal(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    """Whether two sets of metrics are the same, NaN being equal to itself."""
    as_stored = [{name: _nan_to_null(float(value)) for name, value in each.items()} for each in (one, other)]
    return as_stored[0] == as_stored[1]
