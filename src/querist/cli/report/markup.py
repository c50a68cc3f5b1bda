"""HTML that cannot be broken by what stands in it: every string is escaped unless it was built here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = str | None
_VOID = {"img", "meta", "br", "input"}


def tag(name: str, /, *children: Child, **attributes: str | int | bool | None) -> Markup:
    """An element. Attribute names lose a final underscore, and underscores inside become hyphens.

    Args:
        name: of the element.
        children: text, which is escaped, or :class:`Markup`, which is not; ``None`` is left out.
        attributes: ``True`` is an attribute without value; ``None`` and ``False`` are left out.

    Example:
        >>> tag("p", "a < b", tag("b", "!"), class_="note")
        '<p class="note">a &lt; b<b>!</b></p>'
    """
    words = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        words.append(key if value is True else f'{key}="{escape(str(value))}"')
    opening = f"<{' '.join(words)}>"
    if name in _VOID:
        return Markup(opening)
    return Markup(f"{opening}{join(*children)}</{name}>")


def join(*children: Child) -> Markup:
    """Children side by side, strings escaped."""
    return Markup("".join(each if isinstance(each, Markup) else escape(each) for each in children if each is not None))


def table(head: Sequence[str], rows: Sequence[Sequence[Child]], *, class_: str | None = None) -> Markup:
    """A table with a head; the first cell of each row is its heading."""
    body = [tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:])) for row in rows]
    top = tag("tr", *(tag("th", title, scope="col") for title in head))
    return tag("div", tag("table", tag("thead", top), tag("tbody", *body), class_=class_), class_="scroll")
