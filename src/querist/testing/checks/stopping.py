"""What every stopping rule promises. Required options are filled in by name."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from querist.core.errors import UsageError
from querist.core.rng import numpy_generator
from querist.stopping.base import DOUBT, GUESSES, PREDICTIONS, VALIDATION, Doubt, Guesses, RoundSummary, Stopping
from querist.stopping.budget import Budget
from querist.stopping.plateau import Plateau
from querist.testing.checks.base import global_generators_untouched, raises, require

_METRIC = "score"
_OPTIONS: dict[str, Any] = {
    "labels": 120,
    "metric": _METRIC,
    "rules": (Budget(labels=60), Plateau(metric=_METRIC)),
}
_LONG = 60
_UNITS, _CLASSES, _BATCH = 40, 3, 10
_TRUTH = np.arange(_UNITS) % _CLASSES
_EVIDENCE: dict[str, Any] = {PREDICTIONS: (), DOUBT: None, GUESSES: None, VALIDATION: {}}
"""What rules may need to see, and how it looks where it was not looked at."""


def _made(cls: type[Stopping]) -> Stopping:
    needed = [
        each.name
        for each in dataclasses.fields(cls)
        if each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING
    ]
    unknown = [name for name in needed if name not in _OPTIONS]
    require(not unknown, f"options that the checks do not know: {unknown} (known: {', '.join(_OPTIONS)})")
    return cls(**{name: _OPTIONS[name] for name in needed})


def _options(rule: Stopping) -> dict[str, Any]:
    return {field.name: getattr(rule, field.name) for field in dataclasses.fields(rule)}


def _round(labels: int, score: float, predictions: np.ndarray) -> RoundSummary:
    """A round whose every sign says ``score``."""
    doubt = min(max(1 - score, 0.0), 1.0)
    return RoundSummary(
        labels=labels,
        validation={_METRIC: score},
        predictions=tuple(predictions.tolist()),
        doubt=Doubt(mean_entropy=doubt / 2, max_entropy=doubt, expected_error=doubt / 3),
        guesses=Guesses(right=round(_BATCH * (1 - doubt)), of=_BATCH) if labels > _BATCH else None,
        seconds=float(labels),
    )


def _flat(length: int) -> list[RoundSummary]:
    """Nothing changes and nothing is in doubt, though half of the validation rows stay wrong."""
    rounds = [_round(_BATCH * number, 1.0, _TRUTH) for number in range(1, length + 1)]
    return [dataclasses.replace(each, validation={_METRIC: 0.5}) for each in rounds]


def _histories() -> Iterator[list[RoundSummary]]:
    """Scores that climb with more or less noise, at any length."""
    for seed in range(40):
        rng = numpy_generator(seed, "rounds")
        length = int(rng.integers(1, 20))
        climb = np.sort(1 - 0.7 ** rng.uniform(0, 2 * length, size=length))
        scores = climb + rng.normal(0, 0.05 * rng.uniform(), size=length)
        wrong = [rng.uniform(size=_UNITS) > score for score in scores]
        yield [
            _round(_BATCH * number, float(score), np.where(off, (_TRUTH + 1) % _CLASSES, _TRUTH))
            for number, (score, off) in enumerate(zip(scores, wrong, strict=True), start=1)
        ]


def check_is_a_value(cls: type[Stopping]) -> None:
    """Equal options make equal rules, nothing can be changed, and options alone make the rule again."""
    rule = _made(cls)
    require(rule == _made(cls) and hash(rule) == hash(_made(cls)), "two with the same options are not equal")
    options = _options(rule)
    require(cls(**options) == rule, "its options do not make it again")
    for name in options:
        raises(dataclasses.FrozenInstanceError, lambda name=name: setattr(rule, name, None), "it can change")  # type: ignore[misc]


def check_refuses_options_without_sense(cls: type[Stopping]) -> None:
    """What lies outside the limits that it declares, or is no number, is refused in one line that names the option."""
    options = _options(_made(cls))
    require(set(cls.limits) <= set(options), f"limits of no option: {set(cls.limits) - set(options)}")
    for name, (low, high) in cls.limits.items():
        for value in (math.nan, low - 1, high + 1):
            if low <= value <= high or math.isinf(value):
                continue
            said = raises(UsageError, lambda: cls(**options | {name: value}), f"{name} = {value} is taken")  # noqa: B023
            require(name in said and "\n" not in said, f"the refusal of {name} = {value} reads {said!r}")
    numbers = {
        name for name, value in options.items() if isinstance(value, int | float) and not isinstance(value, bool)
    }
    require(numbers <= set(cls.limits), f"numbers without limits: {numbers - set(cls.limits)}")


def check_goes_on_at_first(cls: type[Stopping]) -> None:
    """Before any round, and after a first one of few labels, there is nothing to stop for."""
    for rounds in ([], [_round(_BATCH, 0.5, _TRUTH)]):
        said = _made(cls).reason(rounds)
        require(said is None, f"after {len(rounds)} rounds it says {said!r}")


def check_stops_when_labels_no_longer_help(cls: type[Stopping]) -> None:
    """A long run in which nothing moves any more ends at some round, with a reason."""
    flat = _flat(_LONG)
    said = [_made(cls).reason(flat[:length]) for length in range(_LONG + 1)]
    require(any(said), f"it goes on for {_LONG} rounds without gain")
    require(all(text is None or (isinstance(text, str) and text.strip()) for text in said), "a reason is no text")


def check_says_where_it_stands(cls: type[Stopping]) -> None:
    """After any round it can say in one line what it measured, and its verdict and its reason agree."""
    rule = _made(cls)
    for rounds in [[], *_histories(), _flat(_LONG)]:
        verdict, reason = rule.judge(rounds), rule.reason(rounds)
        require(reason == (verdict.text if verdict.stop else None), f"it judges {verdict}, its reason is {reason!r}")
        require(bool(verdict.text.strip()) and "\n" not in verdict.text, f"where it stands reads {verdict.text!r}")
        require(len(verdict.text) <= 200, f"where it stands takes {len(verdict.text)} characters")


def check_sees_what_it_declares(cls: type[Stopping]) -> None:
    """What it does not declare does not move it, and without what it declares it goes on."""
    rule = _made(cls)
    require(set(rule.needs()) <= set(_EVIDENCE), f"it needs {rule.needs()}, there are {', '.join(_EVIDENCE)}")
    hidden = {name: empty for name, empty in _EVIDENCE.items() if name not in rule.needs()}
    for rounds in [*_histories(), _flat(_LONG)]:
        fewer = [dataclasses.replace(each, **hidden) for each in rounds]
        require(rule.judge(fewer) == rule.judge(rounds), f"it looks at more than {rule.needs()}")
        if rule.needs():
            nothing = [dataclasses.replace(each, **_EVIDENCE) for each in rounds]
            require(rule.reason(nothing) is None, "it stops without having seen anything")


def check_survives_storage(cls: type[Stopping]) -> None:
    """Rounds that were stored as plain data and read again give the same verdict."""
    rule = _made(cls)
    for rounds in [*_histories(), _flat(_LONG)]:
        stored = json.loads(
            json.dumps([(each.labels, each.validation, each.seconds, each.evidence()) for each in rounds])
        )
        again = [RoundSummary.of(labels=n, validation=v, seconds=s, evidence=e) for n, v, s, e in stored]
        require(again == rounds, "a round does not survive storage")
        require(rule.judge(again) == rule.judge(rounds), "stored rounds give another verdict")


def check_does_not_depend_on_being_asked(cls: type[Stopping]) -> None:
    """The rounds alone decide, so a resumed run stops where the first one would have."""
    rule, seen = _made(cls), []
    for rounds in _histories():
        kept = copy.deepcopy(rounds)
        with global_generators_untouched():
            first, second = rule.judge(rounds), rule.judge(rounds)
        require(first == second == _made(cls).judge(tuple(rounds)), "asked twice it says something else")
        require(rounds == kept, "it changes the rounds that it was handed")
        seen.append(first.stop)
    require(True in seen and False in seen, "it says the same of all histories")


def check_never_un_stops_without_new_labels(cls: type[Stopping]) -> None:
    """Measuring again, with better or worse luck, does not undo a stop; neither does a round that brought no label."""
    rule = _made(cls)
    for rounds in [*_histories(), _flat(_LONG)]:
        if rule.reason(rounds) is None:
            continue
        last = rounds[-1]
        for again in (0.0, 0.5, 1.0, 100.0, -100.0):
            other = _round(last.labels, again, (_TRUTH + 1) % _CLASSES)
            more = [*rounds, dataclasses.replace(other, seconds=last.seconds + 1)]
            require(rule.reason(more) is not None, f"a round without labels that scores {again} un-stops it")
            require(rule.reason([*more, more[-1]]) is not None, "two rounds without labels un-stop it")
        unmeasured = [*rounds, RoundSummary(labels=last.labels, seconds=last.seconds)]
        require(rule.reason(unmeasured) is not None, "a round without labels and without a score un-stops it")


def check_a_room_is_kept_to(cls: type[Stopping]) -> None:
    """Where it limits the next batch, it leaves no room exactly when it stops."""
    rule = _made(cls)
    for rounds in _histories():
        room = rule.room(rounds)
        require(room is None or room >= 0, f"it leaves room for {room} labels")
        require(room is None or (room == 0) == rule.judge(rounds).stop, f"room for {room}, and {rule.judge(rounds)}")
