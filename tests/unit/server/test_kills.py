"""The server is killed while people submit: what was acknowledged is there, once, and work goes on."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from querist.storage.journal import Journal

LAUNCHER = Path(__file__).with_name("launcher.py")
KILLS = int(os.environ.get("QUERIST_KILLS", "10"))
"""How often; ``make soak`` raises it."""


class Launcher:
    """Servers of one folder, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.tokens = 0, list[str]()
        self.process = subprocess.Popen(
            [sys.executable, str(LAUNCHER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.hear() == "loaded"

    def hear(self) -> str:
        line = self.process.stdout.readline()
        assert line, "the server ended before it said what was waited for"
        return line.strip()

    def start(self) -> int:
        """A server that answers; its pid."""
        self.process.stdin.write(f"{self.folder} {self.port}\n")
        self.process.stdin.flush()
        pid = 0
        while True:
            what, _, value = self.hear().partition(" ")
            if what == "pid":
                pid = int(value)
            elif what == "token":
                self.tokens.append(value)
            elif what == "ready":
                self.port = int(value)
            if pid and what in ("ready", "pid") and self.port and self._answers():
                return pid

    def _answers(self) -> bool:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
                connection.request("GET", "/health")
                return connection.getresponse().status == 200
            time.sleep(0.01)
        raise AssertionError("the server did not come")

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        while self.hear() != "end":
            pass


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[Launcher]:
    made = Launcher(tmp_path / "run")
    try:
        yield made
    finally:
        os.killpg(made.process.pid, signal.SIGKILL)
        made.process.communicate()


class Person(threading.Thread):
    """Somebody who labels as fast as the server answers, and sends again what was not acknowledged."""

    def __init__(self, launcher: Launcher, number: int, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.launcher, self.number, self.stop = launcher, number, stop
        self.acknowledged: dict[str, tuple[int, int]] = {}
        self.sent_again = 0
        self.faults: list[str] = []

    def run(self) -> None:
        for number in range(10**6):
            rows = self.call("/api/leases", {"client": "w", "count": 1}) or []
            if self.stop.is_set() or not rows:
                return
            row, op = rows[0]["row"], f"p{self.number}-{number}"
            act = {
                "op_id": op,
                "row": row,
                "kind": "label",
                "payload": "3",
                "client": "w",
                "base_seq": rows[0]["base_seq"],
            }
            ack = self.call("/api/acts", act)
            if ack is None:
                return
            self.acknowledged[op] = (ack["seq"], row)

    def call(self, path: str, body: dict[str, Any]) -> Any:
        tries = 0
        # After the last kill everything that is on its way is still brought home.
        while not (self.stop.is_set() and tries > 200):
            tries += 1
            try:
                there = http.client.HTTPConnection("127.0.0.1", self.launcher.port, timeout=20)
                token = self.launcher.tokens[self.number]
                headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
                with contextlib.closing(there) as connection:
                    connection.request("POST", path, json.dumps(body), headers)
                    answer = connection.getresponse()
                    content = json.loads(answer.read())
            except (OSError, http.client.HTTPException, ValueError):
                self.sent_again += 1
                time.sleep(0.005)
                continue
            if answer.status != 200:
                self.faults.append(f"{answer.status} {content}")
                return None
            return content
        return None


def test_killed_at_random_moments(launcher: Launcher) -> None:
    moments = random.Random(0)
    pid = launcher.start()
    stop = threading.Event()
    people = [Person(launcher, number, stop) for number in range(8)]
    for person in people:
        person.start()
    for _ in range(KILLS):
        before = sum(len(person.acknowledged) for person in people)
        patience = time.monotonic() + 60
        while sum(len(person.acknowledged) for person in people) < before + moments.randrange(1, 40):
            assert time.monotonic() < patience, [person.faults for person in people]
            time.sleep(moments.uniform(0, 0.01))
        launcher.kill(pid)
        pid = launcher.start()
    stop.set()
    for person in people:
        person.join(timeout=60)
        assert not person.is_alive()
    launcher.kill(pid)
    assert [person.faults for person in people] == [[]] * 8
    acknowledged = {op: said for person in people for op, said in person.acknowledged.items()}
    assert sum(person.sent_again for person in people) >= KILLS, "nobody was interrupted, so nothing was tried"
    with Journal.open(launcher.folder / "querist.db", create=False) as journal:  # checks every page
        events = list(journal.events())
    stored = {event.op_id: (event.seq, event.query.row) for event in events}
    assert len(stored) == len(events)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    lost = {op: said for op, said in acknowledged.items() if stored.get(op) != said}
    assert lost == {}
    given = Counter(event.query.row for event in events)
    assert max(given.values()) <= 8, "a row beyond its overlap"
    assert max(Counter((event.query.row, event.annotator) for event in events).values()) == 1
