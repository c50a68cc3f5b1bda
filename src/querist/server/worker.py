"""The worker: ``python -m querist.server.worker FOLDER``, a process that trains whenever enough was said.

One training at a time; what is said meanwhile is the next one's. It ends when its standard input does, which is
when the server ends, however that happens.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from querist.core.errors import JournalError, QueristError
from querist.server.services.project import Project
from querist.server.settings import LabelSettings
from querist.storage.journal import Journal
from querist.storage.lock import locked

if TYPE_CHECKING:
    from querist.server.trainer import Trainer

PAUSE_S = 0.3
DATABASE = "QUERIST_LABEL_DB"
"""Variable that names another database: an address may hold a password, which no command line should show."""
STATUS = "worker"
"""Where the journal keeps what the worker last said."""


def main(folder: Path) -> None:
    """Train and rank until standard input ends."""
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(10)  # people come first
    place = folder / "worker"
    place.mkdir(exist_ok=True)
    settings = LabelSettings.read(folder)
    with locked(place, named=folder), Project(folder, settings, db=os.environ.get(DATABASE)) as project:
        try:
            from querist.server.trainer import Trainer

            trainer = Trainer(project)
        except QueristError as error:  # it would be the same again: people are told, and label all the same
            tell(project.journal, state="failed", message=str(error))
            threading.Event().wait()
        tell(project.journal, state="idle")
        failed_at = -1
        while True:
            last = project.journal.last_seq()
            # What failed would fail in the same way until something new is said.
            if last != failed_at and trainer.due():
                failed_at = -1 if _cycle(project.journal, trainer) else last
            time.sleep(PAUSE_S)


def _cycle(journal: Journal, trainer: Trainer) -> bool:
    """One training; whether it went well. Whatever goes wrong in it is told, and ends nothing."""
    tell(journal, state="training")
    try:
        outcome = trainer.cycle()
    except JournalError:
        raise
    except Exception as error:
        if not isinstance(error, QueristError):
            traceback.print_exc()
        tell(journal, state="failed", message=str(error) or type(error).__name__)
        return False
    seconds = round(outcome.seconds["total"], 2)
    tell(journal, state="idle", message=outcome.note, ranking=outcome.number, labels=outcome.labels, seconds=seconds)
    return True


def tell(journal: Journal, *, state: str, message: str = "", **more: float) -> None:
    """Let people see what the worker does."""
    journal.set_meta(STATUS, {"state": state, "message": message, "at": time.time(), **more})


def _end_with_the_server() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
