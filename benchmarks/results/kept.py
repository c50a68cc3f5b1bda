"""What was measured, as data: one JSON file a study, rewritten whole after each cell."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from benchmarks.results.studies import ROOT, Study

from querist.bench.curves import area_under_curve
from querist.bench.intervals import Interval, interval, paired
from querist.core.errors import SettingsDiffer
from querist.storage.atomic import atomic_write

Points = list[tuple[int, float]]


@dataclass
class Kept:
    """The cells of a study.

    Args:
        study: which.
        cells: strategy -> status, message, and the curve of each seed.
        machine: where they were measured.
    """

    study: Study
    cells: dict[str, dict[str, Any]] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path, study: Study) -> Kept:
        """What ``folder`` holds of a study.

        Raises:
            SettingsDiffer: it was measured with other counts, rows or models.
        """
        file = folder / f"{study.name}.json"
        if not file.exists():
            return cls(study)
        found = json.loads(file.read_text(encoding="utf-8"))
        if found["settings"] != study.settings():
            raise SettingsDiffer(
                f"{file} was measured with other settings", hint="move it away, or give another --docs folder"
            )
        return cls(study, found["cells"], found["machine"])

    def write(self, folder: Path) -> None:
        """Write the data of the study."""
        folder.mkdir(parents=True, exist_ok=True)
        whole = {"settings": self.study.settings(), "machine": self.machine, "cells": dict(sorted(self.cells.items()))}
        with atomic_write(folder / f"{self.study.name}.json") as file:
            file.write((_compact(whole) + "\n").encode())

    def add(self, strategy: str, found: dict[str, Any], *, seconds: float) -> None:
        """A cell that ended."""
        self.machine = machine()
        self.cells[strategy] = {**found, "wall_s": round(seconds, 1), "commit": commit()}

    def wants(self, strategy: str, seeds: Sequence[int]) -> bool:
        """Whether a cell is still to be run for some of the seeds."""
        cell = self.cells.get(strategy)
        return cell is None or (cell["status"] == "ok" and not {str(seed) for seed in seeds} <= set(cell["seeds"]))

    # -- what the pages say --------------------------------------------------------------------------------------

    @property
    def done(self) -> list[str]:
        """Strategies with curves."""
        return [name for name, cell in self.cells.items() if cell["status"] == "ok"]

    def seeds(self, strategy: str) -> list[str]:
        """Seeds of a cell."""
        return sorted(self.cells.get(strategy, {}).get("seeds", {}), key=int)

    def curve(self, strategy: str, seed: str) -> Points:
        """Labels and values of one seed."""
        found = self.cells[strategy]["seeds"][seed]
        return list(zip(found["labels"], found["value"], strict=True))

    def heights(self, strategy: str, seeds: Sequence[str]) -> list[float]:
        """Mean height of each curve, in hundredths: its area over the span of its labels."""
        return [100 * area_under_curve(self.curve(strategy, seed)) for seed in seeds]

    def height(self, strategy: str) -> Interval:
        """Mean height of the curves, with its interval over the seeds."""
        return interval(self.heights(strategy, self.seeds(strategy)))

    def over(self, strategy: str, twin: str) -> Interval | None:
        """Mean height above a twin, seed by seed; ``None`` where they share fewer than two seeds."""
        shared = [seed for seed in self.seeds(strategy) if seed in self.seeds(twin)]
        if strategy == twin or len(shared) < 2:
            return None
        return paired(self.heights(strategy, shared), self.heights(twin, shared))

    def over_between(self, strategy: str, twin: str, first: float, stop: float) -> Interval | None:
        """Mean difference from a twin at numbers of labels from ``first`` on and below ``stop``, in hundredths.

        Where the campaigns begin is left out: there they are the same.
        """
        differences = []
        for seed in self.seeds(strategy):
            if seed not in self.seeds(twin):
                continue
            there = dict(self.curve(twin, seed)[1:])
            own = [100 * (value - there[at]) for at, value in self.curve(strategy, seed) if at in there]
            within = [each for at, each in zip(there, own, strict=True) if first <= at < stop]
            if within:
                differences.append(sum(within) / len(within))
        return interval(differences) if strategy != twin and len(differences) > 1 else None

    def last(self, strategy: str) -> float:
        """Mean value with all labels, in hundredths."""
        values = [self.curve(strategy, seed)[-1][1] for seed in self.seeds(strategy)]
        return 100 * sum(values) / len(values)

    def seconds(self, strategy: str, part: str) -> float:
        """Mean seconds of a campaign that went into ``train``, ``views`` or ``select``."""
        spent = [seed[f"{part}_s"] for seed in self.cells[strategy]["seeds"].values()]
        return float(sum(spent)) / len(spent)


def machine() -> dict[str, str]:
    """Where seconds were measured."""
    names = []
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    processor = names[0] if names else platform.machine()
    return {
        "processor": processor,
        "cores": str(cores),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def commit() -> str:
    """The commit that was measured, short; empty outside a repository."""
    try:
        said = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return said.stdout.strip()


def _compact(value: Any, indent: int = 0) -> str:
    """JSON with a line a key, and lists of numbers on one line: readable, and small in a comparison."""
    if not isinstance(value, dict) or not value:
        return json.dumps(value, ensure_ascii=False)
    inner = ",\n".join(
        f"{' ' * (indent + 1)}{json.dumps(key)}: {_compact(part, indent + 1)}" for key, part in value.items()
    )
    return f"{{\n{inner}\n{' ' * indent}}}"
