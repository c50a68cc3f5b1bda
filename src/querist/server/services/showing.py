"""What a row looks like to a person: a picture, a text, tokens, or the columns of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from querist.core.errors import NoSuchRow
from querist.pool.pool import Pool
from querist.server.services.pictures import Pictures
from querist.storage.answers import find_item
from querist.storage.journal import Journal


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A row for the page.

    Args:
        row: pool id.
        key: what it is called.
        modality: image, text, tokens or table.
        text: of a text.
        tokens: of a list of tokens.
        columns: names and values of a table row.
    """

    row: int
    key: str
    modality: str
    text: str | None = None
    tokens: list[str] | None = None
    columns: list[tuple[str, float]] | None = None


class Showing:
    """Shows rows that people may be asked for, and no others.

    Args:
        journal: which rows these are.
        pool: what they hold.
        pictures: how pictures are read.
    """

    def __init__(self, journal: Journal, pool: Pool, pictures: Pictures) -> None:
        self._journal = journal
        self._pool = pool
        self._pictures = pictures

    def row(self, row: int) -> Shown:
        """How ``row`` looks.

        Raises:
            NoSuchRow: there is no such row.
            DataError: it is gone or cannot be read.
        """
        self._refuse_unknown(row)
        shown: dict[str, Any] = {"row": row, "key": self._pool.key(row), "modality": self._pool.modality}
        if self._pool.modality == "text":
            shown["text"] = str(self._pool[row])
        elif self._pool.modality == "tokens":
            shown["tokens"] = [str(token) for token in self._pool[row]]
        elif self._pool.modality == "table":
            values = np.asarray(self._pool[row]).tolist()
            names = self._pool.columns or tuple(str(place) for place in range(len(values)))
            shown["columns"] = list(zip(names, values, strict=True))
        return Shown(**shown)

    def picture(self, row: int) -> tuple[bytes, str]:
        """The picture of ``row`` and its media type.

        Raises:
            NoSuchRow: there is no such row.
            DataError: it is no picture, or cannot be read.
        """
        self._refuse_unknown(row)
        return self._pictures.picture(row)

    def _refuse_unknown(self, row: int) -> None:
        with self._journal.reading() as connection:
            if find_item(connection, row) is None:
                raise NoSuchRow(f"there is no row {row} to label", hint="ask for the next row")
