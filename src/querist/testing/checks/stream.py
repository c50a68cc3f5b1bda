"""What every stream policy promises."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Iterator

import numpy as np

from querist.core.docstrings import WHY, sections
from querist.core.rng import generator, numpy_generator
from querist.streams.allowance import Allowance
from querist.streams.base import Choice, Passing, State, StreamPolicy
from querist.testing.checks.base import global_generators_untouched, raises, require

_CLASSES = 4
_LONG = 4_000


def _passed(cls: type[StreamPolicy], confidences: np.ndarray, *, budget: float, seed: int = 0) -> Iterator[Choice]:
    """What a policy says to each sample of a stream, where there is budget left for it."""
    policy, allowance = cls(), Allowance(rate=budget)
    state: State = policy.start()
    for number, confidence in enumerate(confidences.tolist(), start=1):
        said = Choice(ask=False, reason="no budget", state=state)
        if allowance.left:
            passing = Passing(number=number, confidence=confidence, classes=_CLASSES, budget=budget)
            said = policy.choice(passing, state, generator(seed, "stream", number))
        state = said.state
        allowance.pass_by(ask=said.ask)
        require(
            allowance.asked <= budget * number, f"{allowance.asked} labels of {number} samples at a rate of {budget}"
        )
        yield said


def _confidences(seed: int, *, n: int = _LONG) -> np.ndarray:
    """Confidences between a blind guess and certainty, all alike likely."""
    return numpy_generator(seed, "confidences").uniform(1 / _CLASSES, 1, size=n)


def check_is_a_value(cls: type[StreamPolicy]) -> None:
    """Equal options make equal policies, and nothing can be changed."""
    policy = cls()
    require(dataclasses.is_dataclass(cls) and policy == cls() and hash(policy) == hash(cls()), "it is no value")
    for each in dataclasses.fields(cls):
        raises(dataclasses.FrozenInstanceError, lambda name=each.name: setattr(policy, name, None), "it can change")  # type: ignore[misc]


def check_says_when(cls: type[StreamPolicy]) -> None:
    """Its docstring has a formula, and says when to use it and when not."""
    said = sections(cls.__doc__)
    for heading in WHY:
        require(len(said.get(heading, "")) > 10, f"its docstring has no section '{heading}:'")


def check_depends_on_what_it_is_handed(cls: type[StreamPolicy]) -> None:
    """Asked twice it says the same; it writes into nothing, and no global generator moves."""
    policy = cls()
    for number, confidence in enumerate(_confidences(1, n=50).tolist(), start=1):
        state = policy.start()
        kept = copy.deepcopy(state)
        passing = Passing(number=number, confidence=confidence, classes=_CLASSES, budget=0.3)
        with global_generators_untouched():
            first, again = (policy.choice(passing, state, generator(number)) for _ in range(2))
        require(first == again, f"asked twice about sample {number} it says something else")
        require(state == kept, "it writes into the state that it was handed")


def check_state_is_plain(cls: type[StreamPolicy]) -> None:
    """What it has learned goes through JSON unchanged, so a stream can be taken up again."""
    for said in _passed(cls, _confidences(2, n=300), budget=0.5):
        require(json.loads(json.dumps(said.state)) == said.state, f"{said.state} is not plain")


def check_gives_reasons(cls: type[StreamPolicy]) -> None:
    """One short line a sample."""
    for said in _passed(cls, _confidences(3, n=100), budget=0.5):
        fine = 0 < len(said.reason) <= 120 and "\n" not in said.reason and "nan" not in said.reason
        require(fine, f"{said.reason!r} is no short line")


def check_spends_what_it_has(cls: type[StreamPolicy]) -> None:
    """At every rate most of the budget is spent in the end, and at no moment more than all of it."""
    for budget in (0.02, 0.1, 0.4):
        asked = sum(said.ask for said in _passed(cls, _confidences(4), budget=budget))
        require(asked >= 0.6 * budget * _LONG, f"{asked} labels of {budget * _LONG:.0f} that it might have asked")


def check_meaning(cls: type[StreamPolicy]) -> None:
    """Who looks at confidence asks where it is low, by four standard errors; a baseline asks anywhere."""
    for seed in range(3):
        confidences = _confidences(seed, n=3 * _LONG)
        ask = np.array([said.ask for said in _passed(cls, confidences, budget=0.1, seed=seed)])
        error = confidences.std() / np.sqrt(ask.sum())
        lower = (confidences.mean() - confidences[ask].mean()) / error
        if cls.looks:
            require(lower > 4, f"confidence where it asks is {lower:.1f} standard errors below the mean")
        else:
            require(abs(lower) < 4, f"it does not look, and asks {lower:.1f} standard errors below the mean")
