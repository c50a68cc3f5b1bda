"""Settings: a dataclass to TOML and back. Unknown keys are refused, with the nearest known one.

Only the shapes that settings need: strings, numbers, booleans, ``None``, lists of them, and nested dataclasses
as tables. Reading uses the standard library; the few lines that write exist because it has no TOML writer.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from querist.core.errors import ConfigError

T = TypeVar("T")


def from_mapping(kind: type[T], values: Mapping[str, Any], *, where: str = "settings") -> T:
    """An instance of the dataclass ``kind`` from plain values, each checked against its annotation.

    Raises:
        ConfigError: an unknown key, a missing one, or a value of another type.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass
        ... class Run:
        ...     budget: int = 300
        >>> from_mapping(Run, {"budget": 100}).budget
        100
        >>> from_mapping(Run, {"bugdet": 100})
        Traceback (most recent call last):
        querist.core.errors.ConfigError: settings has an unknown key 'bugdet'; did you mean 'budget'?
    """
    fields = {field.name: field for field in dataclasses.fields(kind) if field.init}  # type: ignore[arg-type]
    annotations = typing.get_type_hints(kind)
    given: dict[str, Any] = {}
    for key, value in values.items():
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(sorted(fields))}"
            raise ConfigError(f"{where} has an unknown key {key!r}", hint=hint)
        given[key] = _checked(annotations[key], value, where=f"{where}.{key}")
    for name, field in fields.items():
        no_default = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if name not in given and no_default:
            raise ConfigError(f"{where} lacks the key {name!r}")
    return kind(**given)


def _checked(annotation: Any, value: Any, *, where: str) -> Any:
    """``value`` as ``annotation`` has it, or an error that names the place."""
    if dataclasses.is_dataclass(annotation) and isinstance(value, Mapping):
        return from_mapping(typing.cast(type, annotation), value, where=where)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        for option in arguments:
            try:
                return _checked(option, value, where=where)
            except ConfigError:
                continue
    elif origin in (tuple, list):
        if isinstance(value, (list, tuple)):
            return origin(_checked(arguments[0], item, where=where) for item in value)
    elif origin is typing.Literal:
        if value in arguments:
            return value
        raise ConfigError(f"{where} is {value!r}", hint=f"choose one of {', '.join(map(str, arguments))}")
    elif origin is dict or annotation in (Any, dict):
        return value
    elif annotation is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    elif isinstance(value, annotation) and not (isinstance(value, bool) and annotation is not bool):
        return value
    elif annotation is type(None) and value is None:
        return None
    name = getattr(annotation, "__name__", str(annotation))
    raise ConfigError(f"{where} is {value!r}, which is no {name}")


def read_table(path: Path) -> dict[str, Any]:
    """The plain values of a TOML file."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no TOML: {error}") from None


def to_toml(settings: Any) -> str:
    """A dataclass as TOML. ``None`` is left out, so reading gives the default again.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass
        ... class Run:
        ...     budget: int = 300
        ...     name: str = "digits"
        >>> print(to_toml(Run()), end="")
        budget = 300
        name = "digits"
    """
    return _table(dataclasses.asdict(settings), prefix="")


def _table(values: Mapping[str, Any], *, prefix: str) -> str:
    lines, tables = [], []
    for key, value in values.items():
        if isinstance(value, Mapping):
            tables.append((key, value))
        elif value is not None:
            lines.append(f"{_key(key)} = {_value(value)}\n")
    for key, value in tables:
        path = f"{prefix}{_key(key)}"
        lines.append(f"\n[{path}]\n{_table(value, prefix=path + '.')}")
    return "".join(lines)


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else _text(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    return _text(str(value))


def _text(text: str) -> str:
    # A JSON string is a TOML basic string, but for DEL, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
