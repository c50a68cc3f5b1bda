"""Which campaign of a run folder a command speaks of: an arm and a seed, the first of each if not said."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from querist.core.errors import UnknownName, UsageError

if TYPE_CHECKING:
    from querist.loop.settings import RunSettings
    from querist.loop.workbench import Workbench
    from querist.storage.journal import Journal

Arm = Annotated[
    str | None, typer.Option(metavar="NAME", help="Strategy of the run; the first if not given.", show_default=False)
]
Seed = Annotated[int | None, typer.Option(help="Seed of the run; the first if not given.", show_default=False)]


def chosen(settings: RunSettings, arm: str | None, seed: int | None) -> tuple[str, int]:
    """The arm and the seed, both of this run.

    Raises:
        UsageError: the run has no such arm or seed.

    Example:
        >>> from querist.loop.settings import RunSettings
        >>> chosen(RunSettings(seeds=(3, 4)), None, 4)
        ('badge', 4)
    """
    if arm is not None and arm not in settings.arms:
        raise UnknownName("arm of this run", arm, settings.arms)
    if seed is not None and seed not in settings.seeds:
        raise UsageError(f"this run has no seed {seed}", hint=f"choose one of {', '.join(map(str, settings.seeds))}")
    return arm or settings.arms[0], settings.seeds[0] if seed is None else seed


@contextmanager
def opened(run: Path, arm: str | None, seed: int | None) -> Iterator[tuple[Workbench, Journal, str]]:
    """The pool and task of a run, its journal and the campaign's name, without its model.

    Raises:
        DataError: the folder holds no run, or its data have changed.
    """
    from querist.loop.result import campaign_name
    from querist.loop.run import JOURNAL, load_result
    from querist.loop.workbench import Workbench
    from querist.storage.journal import Journal

    settings = load_result(run).settings
    name = campaign_name(*chosen(settings, arm, seed))
    bench = Workbench(settings)
    with Journal.open(str(run / JOURNAL), create=False) as journal:
        yield bench, journal, name
