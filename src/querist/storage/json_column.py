"""A column of JSON that comes back to the last digit."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON
from sqlalchemy.ext.compiler import compiles


class Json(JSON):
    """JSON, declared as text on SQLite.

    SQLite takes a column declared ``JSON`` for one of numbers: it would keep ``3.0`` as ``3``, and round some numbers
    to their neighbours, so that a label read again would not be the label that was given.
    """

    cache_ok = True


@compiles(Json, "sqlite")  # type: ignore[no-untyped-call,untyped-decorator,unused-ignore]
def _as_text(_column: Json, _compiler: Any, **_options: Any) -> str:
    return "TEXT"
