"""What every stopping rule promises. Required options are filled in by name."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from typing import Any

from querist.core.rng import numpy_generator
from querist.stopping.base import RoundSummary, Stopping
from querist.testing.checks.base import global_generators_untouched, raises, require

_METRIC = "score"
_OPTIONS: dict[str, Any] = {"labels": 120, "metric": _METRIC}
_LONG = 60


def _made(cls: type[Stopping]) -> Stopping:
    needed = [
        each.name
        for each in dataclasses.fields(cls)  # type: ignore[arg-type]
        if each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING
    ]
    unknown = [name for name in needed if name not in _OPTIONS]
    require(not unknown, f"options that the checks do not know: {unknown} (known: {', '.join(_OPTIONS)})")
    return cls(**{name: _OPTIONS[name] for name in needed})


def _rounds(*scores: float, step: int = 10) -> list[RoundSummary]:
    return [
        RoundSummary(labels=step * number, validation={_METRIC: score}) for number, score in enumerate(scores, start=1)
    ]


def _histories() -> Iterator[list[RoundSummary]]:
    """Scores that climb with more or less noise, at any length."""
    for seed in range(30):
        rng = numpy_generator(seed, "rounds")
        length = int(rng.integers(1, 20))
        climb = 1 - 0.7 ** rng.uniform(0, length, size=length)
        yield _rounds(*(climb + rng.normal(0, 0.05, size=length)).tolist())


def check_is_a_value(cls: type[Stopping]) -> None:
    """Equal options make equal rules, nothing can be changed, and options alone make the rule again."""
    rule = _made(cls)
    require(rule == _made(cls) and hash(rule) == hash(_made(cls)), "two with the same options are not equal")
    options = dataclasses.asdict(rule)  # type: ignore[call-overload]
    require(cls(**options) == rule, "its options do not make it again")
    for name in options:
        raises(dataclasses.FrozenInstanceError, lambda name=name: setattr(rule, name, None), "it can change")  # type: ignore[misc]


def check_goes_on_at_first(cls: type[Stopping]) -> None:
    """Before any round, and after a first one of few labels, there is nothing to stop for."""
    for rounds in ([], _rounds(0.5)):
        said = _made(cls).reason(rounds)
        require(said is None, f"after {len(rounds)} rounds it says {said!r}")


def check_stops_when_labels_no_longer_help(cls: type[Stopping]) -> None:
    """A long run whose score stands still ends at some round, with a reason."""
    flat = _rounds(*[0.5] * _LONG)
    said = [_made(cls).reason(flat[:length]) for length in range(_LONG + 1)]
    require(any(said), f"it goes on for {_LONG} rounds without gain")
    require(all(text is None or (isinstance(text, str) and text.strip()) for text in said), "a reason is no text")


def check_does_not_depend_on_being_asked(cls: type[Stopping]) -> None:
    """The rounds alone decide, so a resumed run stops where the first one would have."""
    rule, seen = _made(cls), []
    for rounds in _histories():
        kept = copy.deepcopy(rounds)
        with global_generators_untouched():
            first, second = rule.reason(rounds), rule.reason(rounds)
        require(first == second == _made(cls).reason(tuple(rounds)), "asked twice it says something else")
        require(rounds == kept, "it changes the rounds that it was handed")
        seen.append(first is not None)
    require(True in seen and False in seen, "it says the same of all histories")


def check_never_un_stops_without_new_labels(cls: type[Stopping]) -> None:
    """Measuring again, with better or worse luck, does not undo a stop; neither does a round that brought no label."""
    rule = _made(cls)
    for rounds in [*_histories(), _rounds(*[0.5] * _LONG)]:
        if rule.reason(rounds) is None:
            continue
        for again in (0.0, 0.5, 1.0, 100.0, -100.0):
            more = [*rounds, RoundSummary(labels=rounds[-1].labels, validation={_METRIC: again})]
            require(rule.reason(more) is not None, f"a round without labels that scores {again} un-stops it")
            require(rule.reason([*more, more[-1]]) is not None, "two rounds without labels un-stop it")
        unmeasured = [*rounds, RoundSummary(labels=rounds[-1].labels)]
        require(rule.reason(unmeasured) is not None, "a round without labels and without a score un-stops it")
