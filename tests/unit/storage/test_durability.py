"""What was acknowledged is there afterwards: kills, full disks, other writers."""

from __future__ import annotations

import itertools
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from querist.core.errors import JournalError, NotDurable
from querist.core.events import LabelGiven, Query
from querist.storage import database
from querist.storage.journal import Journal

LAUNCHER = Path(__file__).with_name("launcher.py")


@pytest.fixture
def launcher() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, str(LAUNCHER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            # The writers are the launcher's children: one that still waits would keep its pipe open for ever.
            os.killpg(process.pid, signal.SIGKILL)


def hear(launcher: subprocess.Popen[str]) -> str:
    line = launcher.stdout.readline()
    assert line, "the writers ended before they said what was waited for"
    return line.strip()


def killed(launcher: subprocess.Popen[str], path: Path, seed: str, *, words: int, seconds: float) -> list[str]:
    """What a writer said until it was killed, ``seconds`` after it had said ``words`` words."""
    launcher.stdin.write(f"{path} 0 {seed}\n")
    launcher.stdin.flush()
    # The pid and the first words of the writer race each other through the pipe.
    said: list[str] = []
    while len(said) < words + 1 or not told(said, "pid"):
        said.append(hear(launcher))
    time.sleep(seconds)
    os.kill(int(told(said, "pid")[0]), signal.SIGKILL)
    while said[-1] != "end":
        said.append(hear(launcher))
    return said


def told(said: list[str], what: str) -> list[str]:
    return [word.split()[1] for word in said if word.startswith(f"{what} ")]


def check_whole(path: Path, ops: list[str], closed: list[str]) -> None:
    """All that was acknowledged, no half of a transaction, and a journal that goes on."""
    with Journal.open(path, create=False) as journal:
        stored = list(journal.events())
        assert [event.seq for event in stored] == list(range(1, len(stored) + 1))
        assert len(stored) % 3 == 0
        assert set(ops) <= {event.op_id for event in stored}
        # Events may be durable without having been acknowledged: one batch for each writer that was killed.
        rounds = journal.rounds("main")
        assert [known.number for known in rounds] == list(range(len(rounds)))
        assert all(len(known.picks) == 3 for known in rounds)
        assert {int(number) for number in closed} <= {known.number for known in rounds if known.closed}


def test_kill_at_20_moments_loses_nothing_acknowledged(launcher: subprocess.Popen[str], tmp_path: Path) -> None:
    moments = random.Random(0)
    path = tmp_path / "querist.db"
    ops: list[str] = []
    closed: list[str] = []
    for moment in range(20):
        words, seconds = moments.randrange(1, 25), moments.uniform(0, 0.01)
        said = killed(launcher, path, f"w{moment}", words=words, seconds=seconds)
        ops += told(said, "op")
        closed += told(said, "round")
        check_whole(path, ops, closed)
    assert len(ops) > 100, "the writers were killed before they wrote, so nothing was tried"


def test_kill_while_the_journal_is_born_leaves_one_that_opens(launcher: subprocess.Popen[str], tmp_path: Path) -> None:
    moments = random.Random(1)
    unborn = 0
    for moment in range(20):
        path = tmp_path / f"{moment}.db"
        said = killed(launcher, path, "w", words=0, seconds=moments.uniform(0, 0.03))
        unborn += "open" not in said
        Journal.open(path, create=True).close()
        check_whole(path, told(said, "op"), told(said, "round"))
    assert unborn > 0, "every writer was killed too late"


def test_two_processes_append_at_once(launcher: subprocess.Popen[str], tmp_path: Path) -> None:
    path = tmp_path / "querist.db"
    launcher.stdin.write(f"{path} 40 one\n{path} 40 two\n")
    launcher.stdin.close()
    said: list[str] = []
    while said.count("open") < 2:
        said.append(hear(launcher))
    Path(f"{path}.go").touch()
    said += launcher.stdout.read().splitlines()
    with Journal.open(path, create=False) as journal:
        stored = list(journal.events())
    assert [event.seq for event in stored] == list(range(1, 241))
    assert {event.op_id for event in stored} == set(told(said, "op"))
    writers = [event.op_id.split("-")[0] for event in stored]
    assert len(list(itertools.groupby(writers))) > 2, "one wrote after the other, so nothing was tried"


FULL_DISK = """
import resource, sys
from querist.core.errors import NotDurable
from querist.core.events import LabelGiven, Query
from querist.storage.journal import Journal

def limit(size): resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

journal = Journal.open(sys.argv[1], create=True)
limit(600_000)
acknowledged = []
try:
    for row in range(10_000):
        acknowledged += [event.op_id for event in journal.append([LabelGiven(query=Query(row=row), payload="x" * 300)])]
except NotDurable as error:
    print(error)
assert [event.op_id for event in journal.events()] == acknowledged, "not readable as acknowledged"
limit(100)  # what was left may hold a smaller act
for act in (lambda: journal.set_meta("a", 1), lambda: journal.ask("main", 0, [])):
    try:
        act()
    except NotDurable:
        continue
    raise SystemExit("acknowledged on a full disk")
limit(resource.RLIM_INFINITY)
acknowledged += [event.op_id for event in journal.append([LabelGiven(query=Query(row=1), payload="room again")])]
limit(100)
try:
    Journal.open(sys.argv[1] + ".other", create=True)
    raise SystemExit("created on a full disk")
except NotDurable:
    print("ids", *acknowledged)
"""


def test_a_full_disk_is_told_and_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "querist.db"
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    message, ids = done.stdout.splitlines()
    assert "cannot be written, nothing was stored" in message
    with Journal.open(path, create=False) as journal:
        assert [event.op_id for event in journal.events()] == ids.split()[1:]
        assert len(ids.split()) > 10


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "querist.db", create=True) as journal:
        yield journal


@pytest.mark.parametrize("pragma", ["max_page_count=1", "query_only=ON"])
def test_no_room_and_read_only_are_not_durable(pragma: str, journal: Journal) -> None:
    journal.append([LabelGiven(query=Query(row=1), payload="kept")])
    # The pragma stays with the pooled connection.
    with journal._database.reading() as connection:
        connection.exec_driver_sql(f"PRAGMA {pragma}")
    with pytest.raises(NotDurable, match="make room or make the folder writable"):
        journal.append([LabelGiven(query=Query(row=2), payload="x" * 100_000)])
    assert [event.payload for event in journal.events()] == ["kept"]


def test_a_writer_that_never_ends_is_named(journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.05)
    other = sqlite3.connect(tmp_path / "querist.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with Journal.open(tmp_path / "querist.db", create=False) as waiting:
        assert list(waiting.events()) == []
        with pytest.raises(NotDurable, match="another process has been writing"):
            waiting.append([LabelGiven(query=Query(row=1), payload="x")])
        other.execute("ROLLBACK")
        waiting.append([LabelGiven(query=Query(row=1), payload="x")])
    other.close()


def test_each_commit_is_flushed(journal: Journal) -> None:
    with journal._database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_a_closed_journal_leaves_one_file_and_refuses_work(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "querist.db", create=True)
    journal.append([LabelGiven(query=Query(row=1), payload="x")])
    journal.close()
    journal.close()
    assert [file.name for file in tmp_path.iterdir()] == ["querist.db"]
    with pytest.raises(JournalError, match="is closed"):
        journal.append([LabelGiven(query=Query(row=2), payload="x")])
