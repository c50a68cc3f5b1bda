"""A strategy as the command line asks for it: a name, and options of its own as ``--set NAME=VALUE``."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from querist.core.errors import ConfigError, UnknownName, UsageError

if TYPE_CHECKING:
    from querist.cli.tables import Tables
    from querist.loop.advisor import Advice
    from querist.strategies.base import Strategy


def chooser(name: str, settings: Sequence[str] = ()) -> Strategy:
    """The strategy called ``name``, with its own options set.

    Args:
        name: as registered.
        settings: ``option=value`` each.

    Raises:
        UnknownName: no strategy, or no option of it, is called so.
        ConfigError: a value of another type.
        UsageError: no ``option=value``, or a value that the strategy refuses.

    Example:
        >>> chooser("badge", ["first=uniform"])
        Badge(first='uniform')
    """
    from querist.core.config import from_mapping
    from querist.strategies import registry

    cls = registry[name]
    known = [field.name for field in dataclasses.fields(cls) if field.init]
    values: dict[str, Any] = {}
    for text in settings:
        option, equals, word = (part.strip() for part in text.partition("="))
        if not equals or not option:
            raise UsageError(f"--set {text} sets nothing", hint="write --set option=value")
        if option in values:
            raise UsageError(f"--set {option} is given twice")
        if not known:
            raise UsageError(f"{name} has no options, and --set {option} was given")
        if option not in known:
            raise UnknownName(f"option of {name}", option, known)
        values[option] = _spelled(word)
        try:
            from_mapping(cls, {option: values[option]}, where=name)
        except ConfigError:
            values[option] = word  # a number where a word is wanted; if no word is, the next line says so
    return from_mapping(cls, values, where=name)


def advised(tables: Tables, *, k: int) -> Advice:
    """Whom ``auto`` takes for these tables, and why."""
    from querist.cli.tables import ARRAYS
    from querist.loop.advisor import Advisor, Situation

    given = {ARRAYS[name] for name in tables.arrays}
    numbers = given & {"Predictions", "PredictionSamples"} and not given & {"Probs", "Logits", "ProbSamples"}
    known = None if tables.labels is None else tables.labels[tables.labels >= 0]
    widths = [tables.arrays[name].shape[-1] for name in ("probs", "logits", "prob_samples") if name in tables.arrays]
    most = 0 if known is None or not len(known) else int(known.max()) + 1
    return Advisor().advise(
        Situation(
            task="regression" if numbers else "classification",
            batch=k,
            labels=0 if tables.labelled is None else len(tables.labelled),
            classes=max([most, *widths]),
            counts=None if known is None else tuple(Counter(known.tolist()).values()),
            answers=lambda view: view.of == "table" and type(view).__name__ in given,
        )
    )


def _spelled(word: str) -> Any:
    """What a word spells in JSON (numbers, true, false, null, lists), or the word itself."""
    try:
        return json.loads(word)
    except ValueError:
        return word
