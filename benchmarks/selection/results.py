"""The results of a table, kept in one JSON file that grows run by run, so that a stopped measurement goes on.

{"machine": {...}, "cells": {case: {"about": {...}, "rows": {participant: {"runs": [...], ...}}}}}
"""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.selection.case import Case
from benchmarks.selection.machine import differs
from benchmarks.selection.participants import Participant
from benchmarks.selection.runner import Run

LONG_S = 30.0
"""A run of this length is not repeated."""


class OtherMachine(Exception):
    """Results of another machine are in the way."""


class Results:
    """What is known of a table.

    Args:
        file: where it is kept.
        machine: this machine.
        again: forget what is there.
    """

    def __init__(self, file: Path, machine: dict[str, str], *, again: bool = False) -> None:
        self.file = file
        self.known: dict[str, Any] = {"machine": machine, "cells": {}}
        if file.exists() and not again:
            self.known = json.loads(file.read_text(encoding="utf-8"))
            if self.known["cells"] and (apart := differs(self.known["machine"], machine)):
                raise OtherMachine(
                    f"{file} holds times of another machine (its {', '.join(apart)} differ); "
                    "begin again with --again, or elsewhere with --out"
                )
            self.known["machine"] = machine

    def row(self, case: Case, one: Participant) -> dict[str, Any]:
        """What is known of a participant at a case; made if nothing is."""
        cell = self.known["cells"].setdefault(case.name, {})
        cell["about"] = asdict(case) | {"title": case.title}
        row: dict[str, Any] = cell.setdefault("rows", {}).setdefault(one.name, {"runs": []})
        row.update(role=one.role, note=one.note, wrong=one.wrong)
        return row

    def wants(self, case: Case, one: Participant, repeats: int) -> bool:
        """Whether another run is needed."""
        row = self.row(case, one)
        if row.get("status") in ("late", "memory", "failed"):
            return False
        times = [run["seconds"] for run in row["runs"]]
        return len(times) < (1 if times and max(times) > LONG_S else repeats)

    def add(self, case: Case, one: Participant, run: Run, *, date: str, commit: str) -> None:
        """Put a run down, and keep it."""
        row = self.row(case, one)
        row.update(status=run.status, message=run.message, date=date, commit=commit)
        if run.status == "ok":
            row["runs"].append(
                {name: round(getattr(run, name), 6) for name in ("seconds", "gc_s", "peak_mb", "anonymous_mb")}
            )
            row["picks"] = run.picks
        elif run.status == "late":
            row.update(limit_s=run.seconds, gc_s=run.gc_s)
        if run.quality is not None:
            row["quality"] = run.quality
        self.save()

    def save(self) -> None:
        """Write the file, whole or not at all."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        partly = self.file.with_suffix(".part")
        partly.write_text(json.dumps(self.known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        partly.replace(self.file)


@dataclass(frozen=True)
class Times:
    """Seconds and memory of a row.

    Args:
        seconds: median.
        low: fastest run.
        high: slowest run.
        gc_s: median spent in garbage collection.
        peak_mb: the largest peak.
    """

    seconds: float
    low: float
    high: float
    gc_s: float
    peak_mb: float

    @property
    def without_gc(self) -> float:
        """What the algorithm took."""
        return max(self.seconds - self.gc_s, 0.0)


def times(row: dict[str, Any], *, stored: bool = False) -> Times | None:
    """Of a row that finished; pages of mapped files do not count as memory where the input is ``stored``."""
    if not row.get("runs"):
        return None
    seconds = [run["seconds"] for run in row["runs"]]
    return Times(
        seconds=statistics.median(seconds),
        low=min(seconds),
        high=max(seconds),
        gc_s=statistics.median(run["gc_s"] for run in row["runs"]),
        peak_mb=max(run["anonymous_mb" if stored else "peak_mb"] for run in row["runs"]),
    )


@dataclass(frozen=True)
class Ratio:
    """How many times as long a row took as Querist's, its own garbage collection left out.

    Args:
        value: the ratio.
        at_least: it was stopped before it was done, so the ratio is a lower bound.
    """

    value: float
    at_least: bool = False

    def __str__(self) -> str:
        shown = f"{self.value:,.0f}" if self.value >= 100 else f"{self.value:.3g}"
        return f"> {shown}" if self.at_least else shown


def ratio(row: dict[str, Any], querist: dict[str, Any]) -> Ratio | None:
    """Of a row to Querist's, all of Querist's time counted; ``None`` where either has no time."""
    ours = times(querist)
    if ours is None or not ours.seconds > 0:
        return None
    if theirs := times(row):
        return Ratio(theirs.without_gc / ours.seconds)
    if row.get("status") == "late":
        return Ratio((row["limit_s"] - row["gc_s"]) / ours.seconds, at_least=True)
    return None
