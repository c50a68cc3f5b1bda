"""A strategy as the command line asks for it: a name, and options of its own as ``--set NAME=VALUE``."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from querist.core.errors import ConfigError, UnknownName, UsageError

if TYPE_CHECKING:
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


def _spelled(word: str) -> Any:
    """What a word spells in JSON (numbers, true, false, null, lists), or the word itself."""
    try:
        return json.loads(word)
    except ValueError:
        return word
