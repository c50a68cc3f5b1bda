"""RunSettings: everything that decides a run, as written to ``run.toml``."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from querist import strategies
from querist.core.config import from_mapping, read_table, to_toml
from querist.core.errors import BudgetError, SettingsDiffer, UnknownName, UsageError
from querist.loop.advisor import AUTO, Advisor
from querist.loop.cold_start import initial_strategy
from querist.stopping.base import VALIDATION, RoundSummary, Stopping
from querist.stopping.spelling import read_rules
from querist.storage.plain import plain


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was found by itself, kept so that going on elsewhere changes nothing."""

    task: str | None = None
    classes: tuple[str, ...] = ()
    model: str | None = None
    metric: str | None = None
    device: str | None = None
    inference_batch: int | None = None
    threads: int | None = None
    pool: str | None = None
    """Fingerprint of the data."""
    folder: str | None = None
    """Where relative paths of the data start."""


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """A simulated campaign and its twin.

    Args:
        data: a name or ``KIND:PATH``.
        task: classification, multilabel, regression or tokens; guessed from the data if ``None``.
        strategy: registered name, or ``auto``.
        initial: labels of the first round.
        batch: labels of each further round.
        budget: labels in all, the initial and the validation ones included.
        seeds: one campaign a seed and arm.
        model: model name; the data's default if ``None``.
        candidates: score a random this-many of the pool each round; all if ``None``.
        metric: metric of the curve; the task's first if ``None``.
        compare: strategy of the twin, or ``none``.
        target: value of the metric whose cost in labels is reported.
        text: column of texts.
        label: column of labels.
        split: column of splits.
        skip_bad: leave out what cannot be read, and say so.
        validation: labels bought at the start for early stopping and stopping rules; on the bill.
        free_validation: use the data's whole validation split, off the bill; reports say so.
        stop: stopping rules besides the budget of labels, as :mod:`querist.stopping.spelling` reads them: ``a,b`` stops
            when one of them does, ``a+b`` when both do.
        stop_set: training rows that models of successive rounds are compared on, for rules that need it.
        device: auto, cpu, cuda, cuda:1, mps.
        initial_strategy: who asks for the first rows; any strategy that needs neither labels nor a trained model.
        start: ``scratch`` (new weights each round) or ``warm`` (go on from the last round's).
        avoid: strategies that ``auto`` must not take.
        found: what was found by itself.
    """

    data: str = "digits"
    task: str | None = None
    strategy: str = "badge"
    initial: int = 20
    batch: int = 20
    budget: int = 300
    seeds: tuple[int, ...] = (0,)
    model: str | None = None
    candidates: int | None = None
    metric: str | None = None
    compare: str = "random"
    target: float | None = None
    text: str | None = None
    label: str | None = None
    split: str | None = None
    skip_bad: bool = False
    validation: int = 0
    free_validation: bool = False
    stop: str = "budget"
    stop_set: int = 2000
    device: str = "auto"
    initial_strategy: str = "random"
    start: str = "scratch"
    avoid: tuple[str, ...] = ()
    found: Found = field(default_factory=Found)

    @property
    def arms(self) -> tuple[str, ...]:
        """The strategies that are run, the person's own first."""
        return (self.strategy,) if self.compare in ("none", self.strategy) else (self.strategy, self.compare)

    @property
    def located_data(self) -> str:
        """``data`` with its path from where the run began, so that it is found from other folders too."""
        kind, colon, path = self.data.partition(":")
        there = Path(self.found.folder or "") / Path(path).expanduser()
        return f"{kind}:{there}" if colon and self.found.folder and there.exists() else self.data

    def check(self) -> None:
        """Refuse what cannot be run, before anything is read or written.

        Raises:
            UnknownName: no such strategy.
            BudgetError: counts that do not fit each other.
            UsageError: anything else that cannot be.
        """
        for arm in self.arms:
            if arm != AUTO and arm not in strategies.registry:
                raise UnknownName("strategy", arm, [*strategies.registry, AUTO])
        Advisor(avoid=self.avoid)  # raises where it is to avoid what is not there
        if self.avoid and AUTO not in self.arms:
            raise UsageError("--avoid was given, and no strategy is auto", hint="add --strategy auto")
        initial_strategy(self.initial_strategy)
        for name in ("initial", "batch", "budget"):
            if getattr(self, name) < 1:
                raise BudgetError(f"--{name} is {getattr(self, name)}", hint="give 1 or more")
        if self.validation < 0:
            raise BudgetError(f"--validation is {self.validation}", hint="give 0 or more")
        if self.budget < self.initial + self.validation:
            first = f"{self.initial} initial" + (f" and {self.validation} validation" if self.validation else "")
            raise BudgetError(
                f"a budget of {self.budget} labels is under the {first} labels",
                hint="raise --budget or lower --initial",
            )
        if self.candidates is not None and self.candidates < self.batch:
            raise BudgetError(
                f"--candidates {self.candidates} is under the batch of {self.batch}", hint="score at least a batch"
            )
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise UsageError(f"the seeds are {list(self.seeds)}", hint="give one or more different numbers")
        if self.target is not None and not math.isfinite(self.target):
            raise UsageError(f"--target is {self.target}", hint="give a value that the metric can take")
        if self.stop_set < 1:
            raise UsageError(f"--stop-set is {self.stop_set}", hint="give 1 or more")
        self._check_rules()
        if self.start not in ("scratch", "warm"):
            raise UsageError(f"--start is {self.start!r}", hint="choose scratch or warm")

    def rules(self, *, metric: str, lower_is_better: bool) -> tuple[Stopping, ...]:
        """The stopping rules, with what this run knows filled in.

        Args:
            metric: that rules watch, where they watch one.
            lower_is_better: its direction.
        """
        known = {"metric": metric, "lower_is_better": lower_is_better, "labels": self.budget}
        # A target only decides what is reported, and may be changed in a run that goes on; rules may not.
        return read_rules(self.stop, known)

    def _check_rules(self) -> None:
        rules = self.rules(metric=self.metric or "score", lower_is_better=False)
        for rule in rules:
            if VALIDATION in rule.needs() and not (self.validation or self.free_validation):
                raise UsageError(
                    f"{rule.name} needs validation labels", hint="give --validation N or --free-validation"
                )
            left = rule.room([RoundSummary(labels=self.validation)])
            if left is not None and left < self.initial:
                raise BudgetError(
                    f"the stopping rule {rule.name} leaves room for {left} of {self.initial} initial labels",
                    hint="raise what it may spend or lower --initial",
                )

    def with_found(self, found: Found) -> RunSettings:
        """These settings, with what was found by itself."""
        return dataclasses.replace(self, found=found)

    def write(self, path: Path) -> None:
        """Write ``run.toml``."""
        path.write_text(to_toml(self), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> RunSettings:
        """Read ``run.toml``.

        Raises:
            ConfigError: no such file, or keys that are not known.
        """
        return from_mapping(cls, read_table(path), where=path.name)

    def asked(self) -> dict[str, Any]:
        """What the person asked for, without what was found."""
        return {name: value for name, value in dataclasses.asdict(self).items() if name != "found"}

    def refuse_other(self, wanted: RunSettings, given: frozenset[str] | None = None) -> None:
        """Refuse to go on with other settings than these.

        Args:
            wanted: the settings of the new call.
            given: names that the caller gave explicitly; only they are compared. All if ``None``.

        Raises:
            SettingsDiffer: names each setting that differs.
        """
        mine, theirs = self.asked(), wanted.asked()
        names = [name for name in mine if (given is None or name in given) and mine[name] != theirs[name]]
        if names:
            text = ", ".join(f"{name} was {_shown(mine[name])}, is {_shown(theirs[name])}" for name in names)
            raise SettingsDiffer(f"this run was started with other settings: {text}", hint="use another --out")

    def refuse_edited(self, begun: dict[str, Any] | None) -> None:
        """Refuse to read a run with settings that were edited since it began.

        Data may have moved (what they hold is compared by itself), and a target only decides what is reported.

        Args:
            begun: what :meth:`asked` said then, as the journal keeps it; nothing is compared if ``None``.

        Raises:
            SettingsDiffer: names each setting that differs.
        """
        now, before = plain(self.asked(), "the settings"), begun or {}
        names = [name for name in before if name not in ("data", "target") and now.get(name) != before[name]]
        if names:
            text = ", ".join(f"{name} was {_shown(before[name])}, is {_shown(now.get(name))}" for name in names)
            raise SettingsDiffer(f"run.toml was edited since the run began: {text}", hint="put that back")


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
