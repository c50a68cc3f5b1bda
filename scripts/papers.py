"""The papers of ``docs/refs.bib``, read: the file is ours and plain, so a few lines do what a parser would."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# TeX's accent marks as the combining characters of Unicode.
ACCENTS = {'"': "\u0308", "'": "\u0301", "`": "\u0300", "^": "\u0302", "~": "\u0303"}
LETTERS = {"o": "ø", "O": "Ø", "l": "ł", "L": "Ł", "ss": "ß", "ae": "æ", "AE": "Æ", "aa": "å", "AA": "Å"}


def papers() -> dict[str, dict[str, str]]:
    """Key -> fields of every entry of ``refs.bib``."""
    text = (ROOT / "docs" / "refs.bib").read_text(encoding="utf-8")
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


def reference(fields: dict[str, str]) -> str:
    """A paper as a line of text, with a link where there is one."""
    where = fields.get("booktitle") or fields.get("journal") or fields.get("publisher") or ""
    authors = fields.get("author", "").replace(" and ", "; ").rstrip(".")
    line = f"{authors}. *{fields.get('title', '')}*. {where + ', ' if where else ''}{fields.get('year', '')}."
    if "eprint" in fields:
        line += f" [arXiv {fields['eprint']}](https://arxiv.org/abs/{fields['eprint']})"
    if "doi" in fields:
        line += f" [doi](https://doi.org/{fields['doi']})"
    if "url" in fields:
        line += f" <{fields['url']}>"
    return line
