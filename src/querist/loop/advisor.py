"""``auto``: which strategy chooses the next batch, from what is known before the round, and why, in one line.

The rule is a list of regimes, each with the strategies that did best in it, best first; the first that serves the
task, whose views are answered and that is not to be avoided is taken. What the regimes rest on is measured by
``python -m benchmarks.results`` and told in ``docs/guide/which_strategy.md``. Nothing is learned and nothing drawn:
the same labels and the same batch give the same advice, so a run that is resumed chooses as it would have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from querist import strategies
from querist.core.docstrings import FORMULA, NOT, USE, plain, sections
from querist.core.errors import UnknownName, UsageError, ViewMissing
from querist.core.papers import spelled
from querist.strategies.base import Strategy
from querist.views.base import View, primitives
from querist.views.labels import Labels

if TYPE_CHECKING:
    from querist.loop.session import Session
    from querist.views.snapshot import Snapshot

AUTO = "auto"
"""What the advisor is called where a strategy is named."""
FEW = 3.0
"""Labels a class below which labels are few for a network whose embeddings are trained on them."""
FEW_FIXED = 8.0
"""The same where embeddings stay as they are, and are as good with the first label as with the last."""
LARGE = 50
"""Rows from which on a batch is large: its rows may then teach the same."""


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What is known before a round.

    Args:
        task: kind of the task.
        batch: rows that will be asked for.
        labels: rows that are labelled.
        classes: how many there are; 0 where labels are numbers.
        counts: labels of each class that has some; ``None`` if only their sum is known.
        answers: whether a view is answered that no other gives.
        fixed: whether embeddings are the same whatever is trained.
    """

    task: str
    batch: int
    labels: int
    classes: int
    counts: tuple[int, ...] | None
    answers: Callable[[View], bool]
    fixed: bool = False

    @property
    def few(self) -> float:
        """Labels a class below which labels are few."""
        return FEW_FIXED if self.fixed else FEW


@dataclass(frozen=True, kw_only=True)
class Advice:
    """A strategy for one round.

    Args:
        strategy: registered name.
        why: half a sentence that goes on after "because".
    """

    strategy: str
    why: str

    def made(self) -> Strategy:
        """The strategy, with its default options."""
        made: Strategy = strategies.registry[self.strategy]()
        return made

    def to_plain(self) -> dict[str, str]:
        """As the journal keeps it with the round."""
        return {"strategy": self.strategy, "why": self.why}

    @classmethod
    def from_plain(cls, state: Any) -> Advice | None:
        """What :meth:`to_plain` made; ``None`` of anything else."""
        fine = isinstance(state, Mapping) and {"strategy", "why"} <= set(state)
        return cls(strategy=state["strategy"], why=state["why"]) if fine else None


@dataclass(frozen=True, kw_only=True)
class Regime:
    """A kind of round, and who chooses well in it.

    Args:
        why: half a sentence, with places for what was counted.
        order: registered names, the best first.
    """

    why: str
    order: tuple[str, ...]


UNSEEN = Regime(
    why="{seen} of {classes} classes have a label, so rows that stand for many others are asked",
    order=("typi_clust", "max_herding", "core_set", "random"),
)
FIRST = Regime(
    why="labels are few ({per:.3g} a class, under {few:g}), so rows that stand for many others are asked",
    order=("typi_clust", "max_herding", "core_set", "random"),
)
BATCHES = Regime(
    why="labels are enough to trust the model's doubt ({per:.3g} a class), and {batch} rows at once must differ",
    order=("badge", "cluster_margin", "margin", "max_herding", "random"),
)
DOUBT = Regime(
    why="labels are enough to trust the model's doubt ({per:.3g} a class), and {batch} rows at once repeat little",
    order=("margin", "least_confidence", "entropy", "max_herding", "random"),
)
UNITS = Regime(why="a row has many labels, so rows with doubtful ones are asked", order=("least_confidence", "random"))
NUMBERS = Regime(
    why="labels are numbers, so rows are asked that lie apart where the last layer looks",
    order=("lcmd", "max_det", "core_set", "random"),
)

REGIMES = (UNSEEN, FIRST, BATCHES, DOUBT, UNITS, NUMBERS)


@dataclass(frozen=True, kw_only=True)
class Advisor:
    """Takes another strategy as labels become many: first what is typical, then what is doubtful.

    With a label or two a class a model's doubt is noise, and rows that stand for many others teach most; later it is
    the other way round, and in large batches doubtful rows must also differ from each other. A strategy whose views
    nobody answers is passed over.

    Formula:
        under 3 labels a class (8 where embeddings are not trained), or while a class has none: typi_clust; then margin,
        and badge for 50 rows or more at once; lcmd where labels are numbers, least_confidence where a row has many

    Use it when:
        nothing is known of the data that would speak for a strategy, or a run goes from the first labels to many
        (hacohen2022active found opposite strategies for both ends).

    Not when:
        rare classes are what is looked for (similar does that), or a comparison needs one strategy from end to end. The
        rule was made from a few small data sets; what disappointed there is told with it.

    Args:
        avoid: strategies that it must not take.

    Example:
        >>> about = {"task": "classification", "classes": 5, "answers": lambda view: True}
        >>> few = Situation(batch=20, labels=10, counts=(2, 2, 2, 2, 2), **about)
        >>> Advisor().advise(few).strategy, Advisor(avoid=("typi_clust",)).advise(few).strategy
        ('typi_clust', 'max_herding')
    """

    avoid: tuple[str, ...] = ()

    family: ClassVar[str] = "advisor"
    tasks: ClassVar[tuple[str, ...]] = ("classification", "multilabel", "regression", "tokens")

    def __post_init__(self) -> None:
        for name in self.avoid:
            if name not in strategies.registry:
                raise UnknownName("strategy", name, strategies.registry)
        if "random" in self.avoid:
            raise UsageError("random cannot be avoided", hint="it is what is left where no model answers anything")

    def needs_for(self, task: str) -> tuple[View, ...]:
        """No view for sure: it takes what is answered."""
        del task
        return ()

    def advise(self, situation: Situation) -> Advice:
        """Who chooses the next batch, and why."""
        regime = regime_of(situation)
        passed: list[str] = []
        for name in regime.order:
            reason = self._against(name, situation)
            if not reason:
                return Advice(strategy=name, why="; ".join([_spelled(regime, situation), *passed]))
            passed.append(f"{name} {reason}")
        return Advice(strategy="random", why="; ".join(["nothing else can choose here", *passed]))

    def _against(self, name: str, situation: Situation) -> str:
        """Why this one cannot be taken; nothing if it can."""
        if name in self.avoid:
            return "is avoided"
        cls = strategies.registry[name]
        if situation.task not in cls.tasks:
            return f"has no meaning for {situation.task}"
        lacking = unanswered(cls().needs_for(situation.task), situation)
        return f"needs {lacking}, which nobody answers" if lacking else ""


def regime_of(situation: Situation) -> Regime:
    """The regime that a round is in."""
    if situation.task == "regression":
        return NUMBERS
    if situation.task not in ("classification", "multilabel"):
        return UNITS
    if situation.labels < max(1.0, situation.few * situation.classes):
        return FIRST
    if situation.counts is not None and len(situation.counts) < situation.classes:
        return UNSEEN
    return BATCHES if situation.batch >= LARGE else DOUBT


def unanswered(views: Iterable[View], situation: Situation) -> str:
    """The first of some views that nobody answers, by name; empty if all are answered."""
    for view in views:
        if isinstance(view, Labels):
            if situation.task != "classification":
                return type(view).__name__
            continue
        try:
            primitives([view], situation.answers)
        except ViewMissing:
            return type(view).__name__
    return ""


def situation_of(session: Session, *, k: int, snapshot: Snapshot | None = None) -> Situation:
    """What a session knows before it asks for ``k`` rows; a snapshot answers in the place of its model."""
    state, task = session.state, session.task
    counts = None
    if task.kind == "classification":
        counts = tuple(Counter(str(state.label(row)) for row in state.rows.tolist()).values())
    return Situation(
        task=task.kind,
        batch=k,
        labels=len(state),
        classes=len(task.classes),
        counts=counts,
        answers=session.adapter.answers if snapshot is None else snapshot.answers,
        fixed=snapshot is None and session.adapter.fixed_embeddings,
    )


def chooser(strategy: Strategy | Advisor | str) -> tuple[Strategy, Advisor | None]:
    """A strategy as it was given or named; with an advisor it is random until there is advice.

    Example:
        >>> chooser("margin")[1], chooser("auto")
        (None, (Random(), Advisor(avoid=())))
    """
    if strategy == AUTO:
        strategy = Advisor()
    if isinstance(strategy, Advisor):
        return strategies.registry["random"](), strategy
    return (strategies.registry[strategy]() if isinstance(strategy, str) else strategy), None


def explain() -> dict[str, Any]:
    """What ``querist strategies --why auto --json`` prints, in the form of :func:`querist.strategies.explain`."""
    said = sections(Advisor.__doc__)
    return {
        "name": AUTO,
        "kind": "advisor",
        "family": Advisor.family,
        "rows": [],
        "survey": "",
        "paper": "",
        "views": [],
        "tasks": list(Advisor.tasks),
        "cost": "that of the strategy that it takes",
        "file": "loop/advisor.py",
        "what": spelled(plain(said[""])),
        "formula": plain(said[FORMULA]),
        "use_it_when": spelled(plain(said[USE])),
        "not_when": spelled(plain(said[NOT])),
        "reference": "none, it is a rule of this package's own",
    }


def _spelled(regime: Regime, situation: Situation) -> str:
    classes = max(1, situation.classes)
    return regime.why.format(
        per=situation.labels / classes,
        few=situation.few,
        batch=situation.batch,
        seen=len(situation.counts or ()),
        classes=situation.classes,
    )
