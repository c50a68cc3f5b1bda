"""How rules are written on the command line and in ``run.toml``.

``a,b`` stops when one of them does and ``a+b`` when both do; options stand behind a colon: ``plateau:patience=5``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from querist.core.config import from_mapping
from querist.core.errors import UsageError
from querist.stopping import registry
from querist.stopping.all_of import AllOf
from querist.stopping.base import Stopping


def read_rules(text: str, given: Mapping[str, Any]) -> tuple[Stopping, ...]:
    """The rules that a text names.

    Args:
        text: names with commas and plus signs, each with its options.
        given: options that the caller knows (``labels``, ``metric``, ...): every rule that has such an option gets
            it, unless the text says otherwise.

    Raises:
        UnknownName: no rule is called that.
        UsageError: an option that the rule does not have, or a value that it cannot have.

    Example:
        >>> read_rules("budget,plateau:patience=5", {"labels": 300, "metric": "accuracy"})[1]
        Plateau(metric='accuracy', patience=5, at_least=0.0, lower_is_better=False)
    """
    if not text.strip():
        raise UsageError("no rule says when to stop", hint=f"name some of {', '.join(registry)}")
    return tuple(_sum(part.strip(), given) for part in text.split(","))


def _sum(text: str, given: Mapping[str, Any]) -> Stopping:
    rules = [_rule(part.strip(), given) for part in text.split("+")]
    return rules[0] if len(rules) == 1 else AllOf(rules=tuple(rules))


def _rule(text: str, given: Mapping[str, Any]) -> Stopping:
    name, *options = (part.strip() for part in text.split(":"))
    if name == "all_of":
        raise UsageError("all_of is written with a plus sign", hint="for example classification_change+max_uncertainty")
    cls = registry[name]
    fields = {field.name for field in dataclasses.fields(cls)}
    values: dict[str, Any] = {option: value for option, value in given.items() if option in fields}
    for option in options:
        key, sign, value = option.partition("=")
        if not sign or not value:
            raise UsageError(f"{option!r} is no option of a stopping rule", hint=f"write {name}:NAME=VALUE")
        values[key.strip()] = _value(value.strip())
    return from_mapping(cls, values, where=name)


def _value(text: str) -> Any:
    """A number, a truth value or a word.

    Example:
        >>> [_value(text) for text in ("3", "0.5", "true", "f1")]
        [3, 0.5, True, 'f1']
    """
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
