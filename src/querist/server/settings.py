"""LabelSettings: everything that decides a labelling project, as written to ``label.toml``."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from querist import strategies
from querist.core.config import from_mapping, read_table, to_toml
from querist.core.errors import SettingsDiffer, UsageError
from querist.loop.cold_start import initial_strategy

SUGGEST = ("never", "after", "before")
FILE = "label.toml"
DECIDED = ("task", "held_out", "overlap", "overlap_share", "blind", "seed")
"""Settings that rows were drawn by, so that they cannot change in the life of a project."""


@dataclass(frozen=True, kw_only=True)
class LabelSettings:
    """A labelling project.

    Args:
        data: a name or ``KIND:PATH``, with the path from where the project began.
        task: what a label is.
        classes: class names in the order of the keys; those that the data bring where none are given.
        strategy: who chooses; ``auto`` asks the advisor before each ranking.
        initial_strategy: who chooses before there is a model.
        model: model name; the default of the data if ``None``.
        seed: decides every draw.
        overlap: people who answer a row of the overlapping share; one answers any other row.
        overlap_share: share of the rows that overlap.
        held_out: share of the rows, 200 at most, that only measure; the same share of answers goes to them.
        blind: share of the rows whose guess is never shown.
        suggest: whether people see what the model thinks: never, after their first choice, or before.
        retrain_every: answers after which the model is trained again.
        ranked: rows that the strategy ranks each time.
        candidates: score only this many random rows each time; all if ``None``.
    """

    data: str = "digits"
    task: str = "classification"
    classes: tuple[str, ...] = ()
    strategy: str = "auto"
    initial_strategy: str = "typi_clust"
    model: str | None = None
    seed: int = 0
    overlap: int = 1
    overlap_share: float = 0.1
    held_out: float = 0.1
    blind: float = 0.1
    suggest: str = "never"
    retrain_every: int = 20
    ranked: int = 100
    candidates: int | None = None

    def check(self) -> None:
        """Refuse what cannot be.

        Raises:
            UnknownName: no such strategy.
            UsageError: names the setting.
        """
        if self.suggest not in SUGGEST:
            raise UsageError(f"--suggest is {self.suggest!r}", hint=f"choose one of {', '.join(SUGGEST)}")
        if self.overlap < 1:
            raise UsageError(f"--overlap is {self.overlap}", hint="give 1 or more")
        for name, value in (("--on", self.overlap_share), ("--held-out", self.held_out)):
            if not 0 <= value <= 1:
                raise UsageError(f"{name} is {value:g}", hint="give a share between 0% and 100%")
        if not 0.1 <= self.blind <= 1:
            raise UsageError(f"--blind is {self.blind:g}", hint="at least 10% of the rows are labelled blind")
        if self.retrain_every < 1 or self.ranked < 1:
            raise UsageError("--retrain-every and the rows that are ranked are 1 or more")
        if self.strategy != "auto":
            strategies.registry[self.strategy]  # raises, with the nearest name
        initial_strategy(self.initial_strategy)

    def write(self, folder: Path) -> None:
        """Write ``label.toml``."""
        (folder / FILE).write_text(to_toml(self), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> LabelSettings:
        """Read ``label.toml``.

        Raises:
            ConfigError: no such file, or keys that are not known.
        """
        return from_mapping(cls, read_table(folder / FILE), where=FILE)

    def continued(self, wanted: LabelSettings, given: frozenset[str]) -> LabelSettings:
        """These settings, of a project that is there, with what a new call asks to change.

        New classes come behind the known ones, so that keys and outputs keep their meaning.

        Args:
            wanted: the settings of the new call.
            given: names that the caller gave explicitly.

        Raises:
            SettingsDiffer: rows were drawn by a setting that was to change, or other data are named.
        """
        mine, theirs = dataclasses.asdict(self), dataclasses.asdict(wanted)
        for name in (*DECIDED, "data"):
            if (name in given or name == "data") and mine[name] != theirs[name]:
                raise SettingsDiffer(
                    f"this project was begun with {name} {mine[name]}, not {theirs[name]}", hint="use another --out"
                )
        changes: dict[str, Any] = {name: theirs[name] for name in given if name in mine}
        changes["classes"] = tuple(dict.fromkeys((*self.classes, *wanted.classes)))
        return dataclasses.replace(self, **changes)
