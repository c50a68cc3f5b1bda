"""``python -m benchmarks.labelling``: people who label at a steady pace over HTTP while the worker trains.

Prints one JSON object: how long a submit took (median, 99th percentile, longest), requests that failed, rows that got
more answers than they wanted, rankings that were published meanwhile. Exits 1 where a promise is broken.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from querist.pool.sources import open_pool
from querist.server.services.acts import MAIN
from querist.storage.journal import Journal


class Person(threading.Thread):
    """Somebody who looks at a row for a while and answers, ``pace`` times a second on average."""

    def __init__(self, number: int, port: int, token: str, *, pace: float, until: float, truth: dict[int, str]) -> None:
        super().__init__(daemon=True)
        self.number, self.token, self.pace, self.until, self.truth = number, token, pace, until, truth
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.seconds: list[float] = []
        self.failed: Counter[int] = Counter()
        self.extra = 0

    def run(self) -> None:
        chance = random.Random(self.number)
        due = time.monotonic() + chance.random() / self.pace
        for number in range(10**6):
            handed = self.call("/api/leases", {"client": "w", "count": 3})
            if time.monotonic() > self.until or not handed:
                return
            time.sleep(max(0.0, due - time.monotonic()))
            due += chance.uniform(0.5, 1.5) / self.pace
            row = handed[0]["row"]
            act = {
                "op_id": f"{self.number}-{number}",
                "row": row,
                "kind": "label",
                "client": "w",
                "payload": self.truth[row],
            }
            begun = time.perf_counter()
            ack = self.call("/api/acts", act)
            self.seconds.append(time.perf_counter() - begun)
            self.extra += bool(ack and ack["extra"])

    def call(self, path: str, body: dict[str, Any]) -> Any:
        headers = {"content-type": "application/json", "authorization": f"Bearer {self.token}"}
        self.connection.request("POST", path, json.dumps(body), headers)
        answer = self.connection.getresponse()
        content = json.loads(answer.read())
        if answer.status != 200:
            self.failed[answer.status] += 1
            return None
        return content


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.labelling", description=__doc__)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--pace", type=float, default=2.0, help="labels a second, each")
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--db", default=None, help="another database")
    parser.add_argument("--most-ms", type=float, default=250.0, help="99th percentile that is promised")
    given = parser.parse_args()
    pool = open_pool("digits")
    rows = pool.rows("train").tolist()
    truth = dict(zip(rows, pool.truth(rows), strict=True))
    # So that nobody runs out of rows: each wants as many answers as it takes.
    overlap = min(given.people, 1 + int(given.people * given.pace * given.seconds / len(rows) * 1.5))
    with tempfile.TemporaryDirectory() as folder:
        words = ["label", "digits", "--out", folder, "--port", "0", "--no-browser", "--json", "--retrain-every", "50"]
        words += ["--overlap", str(overlap), "--on", "100%", "--model", "mlp", "--strategy", "margin"]
        words += ["--users", ",".join(f"person{number}" for number in range(given.people))]
        words += [] if given.db is None else ["--db", given.db]
        code = f"from querist.cli.app import main; raise SystemExit(main({words!r}))"
        server = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        told = json.loads(server.stdout.readline())
        tokens = [link.partition("token=")[2] for link in told["links"].values()]
        until = time.monotonic() + given.seconds
        people = [
            Person(number, told["port"], token, pace=given.pace, until=until, truth=truth)
            for number, token in enumerate(tokens)
        ]
        for person in people:
            person.start()
        for person in people:
            person.join()
        server.send_signal(signal.SIGINT)
        server.wait()
        with Journal.open(given.db or Path(folder) / "querist.db", create=False) as journal:
            stored = Counter(event.query.row for event in journal.events())
            rankings = len(journal.rounds(MAIN))
    seconds = sorted(each for person in people for each in person.seconds)
    failed = sum((person.failed for person in people), Counter[int]())
    shown = {
        "people": given.people,
        "labels": len(seconds),
        "labels_a_second": round(len(seconds) / given.seconds, 1),
        "submit_ms": {
            name: round(1000 * seconds[min(len(seconds) - 1, int(share * len(seconds)))], 1)
            for name, share in (("median", 0.5), ("p99", 0.99), ("longest", 1.0))
        },
        "failed": dict(failed),
        "beyond_overlap": sum(count > overlap for count in stored.values()) + sum(person.extra for person in people),
        "rankings": rankings,
    }
    print(json.dumps(shown))
    kept = shown["beyond_overlap"] == 0 and not failed and sum(stored.values()) == len(seconds)
    return int(not kept or 1000 * seconds[int(0.99 * len(seconds))] > given.most_ms)


if __name__ == "__main__":
    sys.exit(main())
