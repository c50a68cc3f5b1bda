"""Plain data: what JSON can hold, and the only thing that is ever stored."""

from __future__ import annotations

import json
from typing import Any

from querist.core.errors import DataError


def plain(value: Any, what: str) -> Any:
    """``value`` as it will be read back: tuples become lists, keys become text.

    Args:
        value: nested lists, mappings, text, numbers, true, false and nothing.
        what: what the value is, for the message.

    Raises:
        DataError: it holds something else, or NaN, which JSON does not know.

    Example:
        >>> plain(("a", 1.5), "the label")
        ['a', 1.5]
    """
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise DataError(
            f"{what} is no plain data: {error}", hint="store text, numbers, lists and mappings of them"
        ) from None
