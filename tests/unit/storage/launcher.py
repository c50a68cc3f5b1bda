"""A clean single-threaded process that forks writers to be killed: imports are paid once, not at each of 20 kills.

Reads ``PATH COUNT SEED`` a line; forks a writer, says ``pid N``, and ``end`` once that writer is gone. A writer says
``op ID`` and ``round N`` for what the journal has acknowledged, and nothing before that. COUNT 0 means for ever;
others wait until PATH.go is there, so that they start together.
"""

from __future__ import annotations

import itertools
import os
import sys
import time

from querist.core.events import LabelGiven, Query
from querist.storage.journal import Journal, Pick


def say(text: str) -> None:
    # One write of a short line to a pipe arrives whole or not at all.
    os.write(1, f"{text}\n".encode())


def write_for_ever(path: str, count: int, seed: str) -> None:
    journal = Journal.open(path, create=True)
    say("open")
    patience = time.monotonic() + 20
    while count > 0 and not os.path.exists(f"{path}.go"):
        assert time.monotonic() < patience, "the other writer never came"
        time.sleep(0.001)
    first = len(journal.rounds("main")) if count == 0 else 0
    for number in itertools.islice(itertools.count(first), count or None):
        rows = [3 * number + place for place in range(3)]
        events = [LabelGiven(query=Query(row=row), payload="x" * 50, op_id=f"{seed}-{row}") for row in rows]
        if count == 0:
            journal.ask("main", number, [Pick(row=row, reason="r", order=place) for place, row in enumerate(rows)])
        for event in journal.append(events):
            say(f"op {event.op_id}")
        if count > 0:
            # SQLite hands its lock to whoever asks in the right moment; without a pause one writer would go first.
            time.sleep(0.002)
        else:
            journal.close_round("main", number, labels=len(rows), metrics={"a": 0.5}, seconds={}, model_version="")
            say(f"round {number}")
    journal.close()


if __name__ == "__main__":
    for line in sys.stdin:
        path, count, seed = line.split()
        pid = os.fork()
        if pid == 0:
            write_for_ever(path, int(count), seed)
            os._exit(0)
        say(f"pid {pid}")
        if int(count) == 0:
            os.waitpid(pid, 0)
            say("end")
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
