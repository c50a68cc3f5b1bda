"""Docstrings as Markdown: they are written for a reader of the code, and the docs show the same words.

A griffe extension, named in ``mkdocs.yml``: it turns what Sphinx would have read into what MkDocs reads.
"""

from __future__ import annotations

import re
from typing import Any

import griffe


def as_markdown(docstring: str) -> str:
    """``docstring`` with roles as code, and examples as the section that shows code.

    Example:
        >>> as_markdown("See :class:`Pool`.")
        'See `Pool`.'
    """
    plain = re.sub(r":(?:class|func|meth|mod|attr|data):`~?([^`]+)`", r"`\1`", docstring)
    return re.sub(r"^(\s*)Example:\s*$", r"\1Examples:", plain, flags=re.MULTILINE)


class Docstrings(griffe.Extension):
    """Rewrites each docstring when it is loaded."""

    def on_instance(self, *, obj: Any, **_: Any) -> None:
        """Called by griffe for each module, class, function and attribute."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)
