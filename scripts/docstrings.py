"""Docstrings as Markdown: they are written for a reader of the code, and the docs show the same words.

A griffe extension, named in ``mkdocs.yml``: it turns what Sphinx would have read into what MkDocs reads.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

from querist.core.docstrings import WHY


def as_markdown(docstring: str) -> str:
    """``docstring`` with roles as code, and examples as the section that shows code.

    Example:
        >>> as_markdown("See :class:`Pool`.")
        'See `Pool`.'
    """
    plain = re.sub(r":(?:class|func|meth|mod|attr|data):`~?([^`]+)`", r"`\1`", docstring)
    return re.sub(r"^(\s*)Example:\s*$", r"\1Examples:", plain, flags=re.MULTILINE)


def without(docstring: str, headings: tuple[str, ...]) -> str:
    """``docstring`` without these sections: a strategy's page shows them by itself, above its options.

    Example:
        >>> without("Badge.\\n\\nNot when:\\n    rows are few.\\n\\nArgs:\\n    k: rows.", ("Not when",))
        'Badge.\\n\\nArgs:\\n    k: rows.'
    """
    for heading in headings:
        docstring = re.sub(rf"^{heading}:\s*\n(?:[ \t]+.*\n|[ \t]*\n)+", "", f"{docstring}\n", flags=re.MULTILINE)
    return docstring.strip("\n")


class Docstrings(griffe.Extension):
    """Rewrites each docstring when it is loaded."""

    def on_instance(self, *, obj: Any, **_: Any) -> None:
        """Called by griffe for each module, class, function and attribute."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(without(obj.docstring.value, WHY))
