"""A labelling project: its folder, pool, task and journal, opened in the server and in the worker alike."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from querist.core.errors import DataError, UsageError
from querist.core.rng import numpy_generator
from querist.pool.pool import Pool
from querist.pool.sources import open_pool
from querist.server.services.acts import HELD_OUT, MAIN
from querist.server.settings import LabelSettings
from querist.storage.answers import Item, add_items, item_keys
from querist.storage.journal import Journal
from querist.tasks import make_task
from querist.tasks.base import Task

JOURNAL = "querist.db"
TASKS = ("classification", "multilabel")
MOST_HELD_OUT = 200
"""Rows that only measure, at most: 200 say an accuracy of 90% to about 4 points either way."""


class Project:
    """What people label.

    Args:
        folder: holds ``label.toml`` and, without ``db``, the journal.
        settings: as they were written there.
        db: URL of another database; the file in the folder if ``None``.

    Raises:
        QueristError: data, settings and journal do not fit each other.
    """

    def __init__(self, folder: Path, settings: LabelSettings, *, db: str | None = None) -> None:
        settings.check()
        self.folder = folder
        self.settings = settings
        self.notes: list[str] = []
        self.task = _task(settings)
        self.journal = Journal.open(db or folder / JOURNAL, create=True)
        try:
            self.pool = self._aligned(open_pool(settings.data, skip_bad=True))
            self.held_out = self._offer()
        except BaseException:
            self.journal.close()
            raise
        self.notes = [*self.pool.notes, *self.notes]

    def close(self) -> None:
        """Release the journal."""
        self.journal.close()

    def __enter__(self) -> Project:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def check(self, row: int, label: Any) -> None:
        """Refuse a label that cannot be one of ``row``.

        Raises:
            DataError: it does not belong to the task.
        """
        # A class needs no look at the payload; what does will come with the tasks that have units.
        if not isinstance(label, list if self.task.kind == "multilabel" else str):
            raise DataError(f"the label {label!r} is no class of this task")
        self.task.encode(label)

    @property
    def root(self) -> Path | None:
        """The folder that pictures may be read from; ``None`` where they are no files."""
        kind, _, path = self.settings.data.partition(":")
        return Path(path).expanduser().resolve() if kind == "images" else None

    def _aligned(self, pool: Pool) -> Pool:
        """The pool with its rows on the ids that the journal knows; what was added since comes behind them."""
        known = self.journal.meta("pool")
        if known is not None:
            pool = pool.align(known["keys"], known["splits"])
        size = 0 if known is None else len(known["keys"])
        if len(pool) > size:
            splits = [pool.split(row) for row in range(len(pool))]
            self.journal.set_meta("pool", {"keys": pool.keys(), "splits": splits})
            if known is not None:
                self.notes.append(f"{len(pool) - size} rows joined since the last time")
        return pool

    def _offer(self) -> np.ndarray:
        """Give every training row that has none its item; returns the rows that only measure."""
        with self.journal.writing() as connection:
            known = item_keys(connection)
            there = {row for row, _, _ in known}
            fresh = np.array([row for row in self.pool.rows("train").tolist() if row not in there], dtype=np.int64)
            items = list(_drawn(fresh, self.pool, self.settings, begin=len(there)))
            add_items(connection, items)
        held = [row for row, _, campaign in known if campaign == HELD_OUT]
        held += [item.row for item in items if item.campaign == HELD_OUT]
        return np.sort(np.array(held, dtype=np.int64))


def _drawn(rows: np.ndarray, pool: Pool, settings: LabelSettings, *, begin: int) -> Iterable[Item]:
    """Items of new rows in a drawn order, some of them to measure, to overlap, or to be labelled blind."""
    rng = numpy_generator(settings.seed, "items", begin)
    order = rng.permutation(len(rows))
    held = rng.permutation(len(rows)) < min(round(settings.held_out * len(rows)), MOST_HELD_OUT)
    overlap = rng.permutation(len(rows)) < round(settings.overlap_share * len(rows))
    blind = rng.permutation(len(rows)) < np.ceil(settings.blind * len(rows))
    for at, row in enumerate(rows.tolist()):
        yield Item(
            row=row,
            campaign=HELD_OUT if held[at] else MAIN,
            key=pool.key(row),
            place=begin + int(order[at]),
            needed=settings.overlap if overlap[at] else 1,
            # What measures must not have been led by the model that it measures.
            blind=bool(held[at] or blind[at]),
        )


def _task(settings: LabelSettings) -> Task:
    if settings.task not in TASKS:
        raise UsageError(
            f"the page cannot label for the task {settings.task} yet", hint=f"it can for {', '.join(TASKS)}"
        )
    if len(settings.classes) < 2:
        raise UsageError(f"{len(settings.classes)} classes were named", hint="name two or more: --labels cat,dog")
    return make_task(settings.task, settings.classes)


def located(data: str) -> str:
    """``data`` as a source has it, with its path made absolute, so that it is found from other folders too.

    A bare folder is taken for pictures, and a file by its ending.

    Raises:
        DataError: there is no such place.

    Example:
        >>> located("digits")
        'digits'
    """
    kind, colon, path = data.partition(":")
    if colon and os.sep not in kind:
        return f"{kind}:{Path(path).expanduser().resolve()}" if Path(path).expanduser().exists() else data
    place = Path(data).expanduser()
    if place.is_dir():
        return f"images:{place.resolve()}"
    if place.is_file():
        return f"{place.suffix.lstrip('.').lower()}:{place.resolve()}"
    if os.sep in data:
        raise DataError(f"there is no folder or file {data}", hint="check the path")
    return data
