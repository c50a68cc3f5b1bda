"""The papers of ``refs.bib``, read: the file is ours and plain, so a few lines do what a parser would.

It stands in ``docs/`` and is packed beside the code, so that an installed command can name its papers in full.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from querist.core.errors import DataError

PACKED = Path(__file__).resolve().parents[1] / "refs.bib"
IN_DOCS = Path(__file__).resolve().parents[3] / "docs" / "refs.bib"

# TeX's accent marks as the combining characters of Unicode.
ACCENTS = {'"': "\u0308", "'": "\u0301", "`": "\u0300", "^": "\u0302", "~": "\u0303"}
LETTERS = {"o": "ø", "O": "Ø", "l": "ł", "L": "Ł", "ss": "ß", "ae": "æ", "AE": "Æ", "aa": "å", "AA": "Å"}


def papers() -> dict[str, dict[str, str]]:
    """Key -> fields of every entry of ``refs.bib``.

    Raises:
        DataError: the file is neither packed nor in the docs.

    Example:
        >>> papers()["ash2020badge"]["year"]
        '2020'
    """
    file = next((file for file in (PACKED, IN_DOCS) if file.exists()), None)
    if file is None:
        raise DataError("the list of papers is not there", hint="install querist again")
    text = file.read_text(encoding="utf-8")
    entries = re.findall(r"^@\w+\{([^,\s]+),\s*\n(.*?)^\}", text, flags=re.MULTILINE | re.DOTALL)
    return {key: dict(_fields(body)) for key, body in entries}


def _fields(entry: str) -> Iterator[tuple[str, str]]:
    """Names and values of an entry; a value ends where its braces close."""
    for name in re.finditer(r"(\w+)\s*=\s*\{", entry):
        depth, end = 1, name.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(entry[end], 0)
            end += 1
        if not _inside(entry[: name.start()]):
            yield name[1].lower(), _plain(entry[name.end() : end - 1])


def _inside(before: str) -> bool:
    return before.count("{") > before.count("}")


def _plain(value: str) -> str:
    """A value without TeX: letters with their accents, no braces."""

    def accented(match: re.Match[str]) -> str:
        return unicodedata.normalize("NFC", match[2] + ACCENTS[match[1]])

    value = re.sub(r"\\(o|O|l|L|ss|ae|AE|aa|AA)(?![a-zA-Z])", lambda match: LETTERS[match[1]], value)
    value = re.sub(r"\\([\"'`^~])\{?(\w)\}?", accented, value)
    return " ".join(re.sub(r"[{}]", "", value).split())


def reference(fields: Mapping[str, str], *, markdown: bool = True) -> str:
    """A paper as a line of text, with a link where there is one.

    Example:
        >>> reference({"author": "Ash, Jordan T.", "title": "Deep Batch", "year": "2020"}, markdown=False)
        'Ash, Jordan T. Deep Batch. 2020.'
    """
    where = fields.get("booktitle") or fields.get("journal") or fields.get("publisher") or ""
    authors = fields.get("author", "").replace(" and ", "; ")
    title = f"*{fields.get('title', '')}*" if markdown else fields.get("title", "")
    line = f"{authors.rstrip('.')}. {title}. {where + ', ' if where else ''}{fields.get('year', '')}."
    for kind, address in (("eprint", "https://arxiv.org/abs/"), ("doi", "https://doi.org/")):
        if kind in fields:
            called = f"arXiv {fields[kind]}" if kind == "eprint" else "doi"
            link = f"{address}{fields[kind]}"
            line += f" [{called}]({link})" if markdown else f" {link}"
    if "url" in fields:
        line += f" <{fields['url']}>" if markdown else f" {fields['url']}"
    return line


def short(fields: Mapping[str, str]) -> str:
    """A paper as people speak of it.

    Example:
        >>> short(papers()["ash2020badge"]), short(papers()["settles2009active"]), short(papers()["yehuda2022active"])
        ('Ash et al. 2020', 'Settles 2009', 'Yehuda et al. 2022')
    """
    names = [name.partition(",")[0] for name in fields.get("author", "").split(" and ")]
    who = names[0] + (f" and {names[1]}" if len(names) == 2 else " et al." if len(names) > 2 else "")
    return f"{who} {fields.get('year', '')}"


def spelled(text: str, name: Callable[[str, Mapping[str, str]], str] | None = None) -> str:
    """``text`` with the keys of papers as people speak of them.

    Args:
        text: prose that cites by key.
        name: what stands for a paper of a key; :func:`short` if ``None``.

    Example:
        >>> spelled("best of five in gal2017deep, and no20such key")
        'best of five in Gal et al. 2017, and no20such key'
    """
    known = papers()

    def named(match: re.Match[str]) -> str:
        key = match[0]
        if key not in known:
            return key
        return name(key, known[key]) if name else short(known[key])

    return re.sub(r"\b[a-z]+\d{4}[a-z0-9]+\b", named, text)
