"""Which columns of a table hold what: named by the person, or guessed from names and types, and then said aloud."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from querist.core.errors import DataError, UsageError
from querist.pool.images import looks_encoded
from querist.pool.split import split_named

if TYPE_CHECKING:
    import pyarrow as pa

_TEXT = ("text", "sentence", "content", "document", "review", "message", "question", "tweet", "body", "title")
_LABEL = ("label", "labels", "target", "class", "category", "y", "ner_tags", "tags", "tag", "sentiment", "intent")
_NUMBERS = ("id", "index", "row", "unnamed: 0", "")
"""Names of columns that only count the rows."""


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The columns of a table that a person named; ``None`` is guessed.

    Args:
        text: texts, tokens or images.
        label: labels.
        split: names of splits.
        like: the payload's columns in data seen before. New data must have them (a lone one may have another name),
            and no other column is then mistaken for a label.
    """

    text: str | None = None
    label: str | None = None
    split: str | None = None
    like: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Roles:
    """What each column is for.

    Args:
        modality: of the payloads.
        payload: the columns they are made of: one, or the features of a table.
        label: ``None`` for data without labels.
        split: ``None`` where the rows do not say.
        notes: what was guessed, and what is not used.
    """

    modality: str
    payload: tuple[str, ...]
    label: str | None
    split: str | None
    notes: tuple[str, ...]


def roles_of(table: pa.Table, columns: Columns, *, where: str, files_are_splits: bool) -> Roles:
    """The roles of the columns of ``table``.

    Args:
        table: all rows there are.
        columns: what the person named.
        where: what messages call the data.
        files_are_splits: whether file names say the splits already.

    Raises:
        DataError: a named column that is not there (those that are get listed), or nothing to learn from.
    """
    names = table.column_names
    for option, name in (("text", columns.text), ("label", columns.label), ("split", columns.split)):
        if name is not None and name not in names:
            raise DataError(
                f"{where} has no column {name!r}; its columns are {listed(names)}",
                hint=f"give one of them to --{option}",
            )
    named = [name for name in (columns.text, columns.label, columns.split) if name is not None]
    if len(set(named)) < len(named):
        twice = next(name for name in named if named.count(name) > 1)
        raise UsageError(f"column {twice!r} was named twice", hint="a column is text, label or split, not two of them")
    split = columns.split
    if split is None and not files_are_splits and _says_splits(table, "split"):
        split = "split"
    left = [name for name in names if name != split]
    label = columns.label or _first_named(_LABEL, [name for name in left if name != columns.text])
    left = [name for name in left if name != label]
    if columns.text is None and (len(columns.like) > 1 or set(columns.like) & set(names)):
        return _like_before(table, columns, label, split, where)
    modality, payload = _payload(table, columns.text, left, where)
    if label is None:
        label = _likely_label(table, modality, [name for name in left if name not in payload], payload)
        payload = tuple(name for name in payload if name != label)
    if not payload:
        raise DataError(f"{where} has no column to learn from beside the label {label!r}", hint="name one with --text")
    return Roles(
        modality=modality,
        payload=payload,
        label=label,
        split=split,
        notes=tuple(_notes(columns, modality, payload, label, names, split)),
    )


def _like_before(table: pa.Table, columns: Columns, label: str | None, split: str | None, where: str) -> Roles:
    """The roles where the payload's columns are known from data seen before."""
    missing = [name for name in columns.like if name not in table.column_names]
    if missing:
        raise DataError(
            f"{where} lacks the columns {listed(missing)}; its columns are {listed(table.column_names)}",
            hint="give it the columns that the model was trained on",
        )
    form = _form(table, columns.like[0])
    modality = "table" if len(columns.like) > 1 or form == "number" else form
    label = label if label not in columns.like else None
    return Roles(modality=modality, payload=columns.like, label=label, split=split, notes=())


def listed(names: Iterable[object], limit: int = 12) -> str:
    """Names for a message: all of a few, the first of many.

    Example:
        >>> listed("abc"), listed("abc", limit=2)
        ('a, b, c', 'a, b, ... (3 in all)')
    """
    words = [str(name) for name in names]
    more = f", ... ({len(words)} in all)" if len(words) > limit else ""
    return ", ".join(words[:limit]) + more


def _payload(table: pa.Table, named: str | None, names: list[str], where: str) -> tuple[str, tuple[str, ...]]:
    """Modality and columns of the payloads, among the columns ``names``."""
    if named is not None:
        form = _form(table, named)
        if form in ("number", "other"):
            raise UsageError(
                f"column {named!r} of {where} holds {table.schema.field(named).type}, no texts, tokens or images",
                hint="leave --text out to use the numbers as a table",
            )
        return form, (named,)
    forms = {name: _form(table, name) for name in names}
    for modality in ("image", "tokens"):
        if chosen := [name for name in names if forms[name] == modality]:
            return modality, (chosen[0],)
    texts = [name for name in names if forms[name] == "text"]
    features = [name for name in names if forms[name] == "number" and name.lower() not in _NUMBERS]
    likely = _first_named(_TEXT, texts)
    if likely is None and texts and len(features) < 2:
        likely = max(texts, key=lambda name: _mean_length(table, name))
    if likely is not None:
        return "text", (likely,)
    if not features:
        raise DataError(
            f"{where} has no column of texts, tokens, images or numbers beside the label; its columns are "
            f"{listed(table.column_names)}",
            hint="name the columns with --text and --label",
        )
    return "table", tuple(features)


def _likely_label(table: pa.Table, modality: str, spare: list[str], payload: tuple[str, ...]) -> str | None:
    """A label column that no name gives away: the last column of a table of numbers, else the one whose values
    repeat the most.
    """
    if modality == "table":
        last = table.column_names[-1]
        return last if last in spare or (last in payload and len(payload) > 1) else None
    counts = {name: len(table[name].unique()) for name in spare if _form(table, name) in ("text", "number")}
    repeating = [name for name in counts if 2 <= counts[name] <= len(table) / 2]
    return min(repeating, key=lambda name: counts[name], default=None)


def _notes(
    columns: Columns, modality: str, payload: tuple[str, ...], label: str | None, names: list[str], split: str | None
) -> list[str]:
    notes = []
    if modality == "table":
        notes.append(f"{len(payload)} columns of numbers are the features: {listed(payload)}")
    elif columns.text is None:
        notes.append(f"column {payload[0]!r} is taken for the {modality}; --text says otherwise")
    if label is None:
        notes.append("no column looks like a label; --label names one")
    elif columns.label is None:
        notes.append(f"column {label!r} is taken for the label; --label says otherwise")
    unused = [name for name in names if name not in (*payload, label, split)]
    if unused:
        notes.append(f"columns that are not used: {listed(unused)}")
    return notes


def _form(table: pa.Table, name: str) -> str:
    """What a column could be as a payload: ``text``, ``number``, ``tokens``, ``image`` or ``other``."""
    import pyarrow.types as types

    form = table.schema.field(name).type
    if types.is_dictionary(form):
        form = form.value_type
    if _is_text(form):
        return "text"
    if types.is_integer(form) or types.is_floating(form) or types.is_boolean(form) or types.is_decimal(form):
        return "number"
    if types.is_list(form) or types.is_large_list(form):
        return "tokens" if _is_text(form.value_type) else "other"
    if types.is_binary(form) or types.is_large_binary(form):
        some = table[name].drop_null()
        return "image" if len(some) and looks_encoded(some[0].as_py()) else "other"
    if types.is_struct(form):
        return "image" if {field.name for field in form} == {"bytes", "path"} else "other"
    return "other"


def _is_text(form: pa.DataType) -> bool:
    import pyarrow.types as types

    return types.is_string(form) or types.is_large_string(form) or types.is_string_view(form)


def _says_splits(table: pa.Table, name: str) -> bool:
    """Whether the column is there and holds names of splits only."""
    if name not in table.column_names or _form(table, name) != "text":
        return False
    values = table[name].unique().to_pylist()
    return bool(values) and all(isinstance(value, str) and split_named(value) for value in values)


def _first_named(wanted: tuple[str, ...], names: list[str]) -> str | None:
    """The column whose name comes first in ``wanted``."""
    by_name = {name.lower(): name for name in reversed(names)}
    return next((by_name[word] for word in wanted if word in by_name), None)


def _mean_length(table: pa.Table, name: str) -> float:
    import pyarrow.compute as compute

    column = table[name].cast("string")
    return compute.mean(compute.utf8_length(column)).as_py() or 0.0
