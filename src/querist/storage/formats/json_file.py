"""JSON in files of labels: one way to write it, and errors that say where a file breaks off."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from querist.core.errors import DataError
from querist.storage.formats.base import LabelRecord

_BESIDES = ("row", "key", "split", "annotators", "round", "reason")


def dumped(value: Any) -> bytes:
    """``value`` on one line, in UTF-8.

    Example:
        >>> dumped({"label": "Käse"}).decode()
        '{"label": "Käse"}'
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def write_list(items: Iterable[Any], file: BinaryIO) -> None:
    """A JSON list, an item a line, as they come."""
    for number, item in enumerate(items):
        file.write((b",\n" if number else b"\n") + dumped(item))


def loaded(file: BinaryIO) -> Any:
    """The value of a whole file.

    Raises:
        DataError: no JSON, or cut off; names the line.
    """
    name = Path(file.name).name
    content = file.read()
    try:
        return json.loads(content, parse_constant=_refused)
    except UnicodeDecodeError:
        raise
    except json.JSONDecodeError as error:
        cut = error.pos >= len(error.doc.rstrip())
        hint = "the file breaks off: fetch it again" if cut else "repair that line"
        raise DataError(f"{name} line {error.lineno} is no JSON: {error.msg}", hint=hint) from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name} is no JSON: {error}", hint="check the format") from None


def said_besides(record: LabelRecord, *, names: tuple[str, ...] = _BESIDES) -> dict[str, Any]:
    """What a record says beside its label, without what is not known.

    Example:
        >>> said_besides(LabelRecord(label="cat", row=3, annotators=("ann",)))
        {'row': 3, 'annotators': ['ann']}
    """
    values = {name: getattr(record, name) for name in names}
    values["annotators"] = list(record.annotators)
    return {name: value for name, value in values.items() if value not in (None, "", [])}


def read_besides(value: Any, *, place: str) -> dict[str, Any]:
    """The fields of :func:`said_besides` that ``value`` has, whatever else stands there.

    Raises:
        DataError: it is no object.
    """
    if not isinstance(value, Mapping):
        raise DataError(f"{place} is no object", hint="give one with a key or a row")
    return {name: value[name] for name in _BESIDES if name in value}


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no number")
