"""Docstrings as data: what a class says of itself, taken apart by its headings.

One text serves the reader of the code, the page in the docs and the command's ``--why``.
"""

from __future__ import annotations

import inspect
import re

FORMULA, USE, NOT = "Formula", "Use it when", "Not when"
WHY = (FORMULA, USE, NOT)
"""Headings that tell a person whether a method is for them."""

_HEADING = re.compile(r"^([A-Z][\w ]*):\s*$")


def sections(docstring: str | None) -> dict[str, str]:
    """Heading -> text under it, and what comes before the first heading under the empty one.

    A heading is a line of its own with a colon, and everything that is indented below it is its text.

    Example:
        >>> text = '''Rows by doubt.
        ...
        ...     Use it when:
        ...         labels are
        ...         dear.
        ... '''
        >>> sections(text)
        {'': 'Rows by doubt.', 'Use it when': 'labels are\\ndear.'}
    """
    lines = inspect.cleandoc(docstring or "").splitlines()
    parts: dict[str, list[str]] = {"": []}
    here = ""
    for place, line in enumerate(lines):
        below = next((later for later in lines[place + 1 :] if later.strip()), "")
        if (heading := _HEADING.match(line)) and below.startswith(" "):
            here = heading[1]
            parts[here] = []
        elif line and not line.startswith(" ") and here:
            parts[here := ""].append(line)  # prose again, after a section
        else:
            parts[here].append(line)
    return {heading: inspect.cleandoc("\n".join(text)).strip() for heading, text in parts.items()}


def plain(text: str) -> str:
    """Prose of a docstring as a terminal shows it: one line, code without its marks, roles as their names.

    Example:
        >>> plain("Raises :class:`~querist.core.errors.ColdStart` if ``k`` is 0.")
        'Raises ColdStart if k is 0.'
    """
    named = re.sub(r":(?:class|func|meth|mod|attr|data):`~?(?:[\w.]*\.)?([^`.]+)`", r"\1", text)
    return " ".join(re.sub(r"``([^`]*)``", r"\1", named).split())
