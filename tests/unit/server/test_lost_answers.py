"""Requests and answers that are dropped, doubled and delayed: one event an operation, and the last word holds."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

from starlette.testclient import TestClient

from querist.server.app import make_app
from querist.server.house import House
from querist.server.services.project import Project
from querist.storage.answers import answers_of

from .conftest import HOST

SUBMITS = 300


def test_one_event_an_operation(services: House, project: Project) -> None:
    chance = random.Random(0)
    client = TestClient(make_app(services, ["127.0.0.1"], rate=1e6), base_url=HOST)
    client.get("/", params={"token": services.doorman.one_time_token()})
    late: list[tuple[str, dict[str, Any]]] = []
    acts: Counter[str] = Counter()
    said: dict[int, str | None] = {}
    base: dict[int, int] = {}
    history: list[tuple[int, str | None]] = []

    def deliver(path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Until an answer comes back; what else was sent on the way may arrive whenever it likes."""
        while True:
            fate = chance.choice(["request lost", "answer lost", "doubled", "delayed", "fine", "fine"])
            acts[fate] += 1
            if fate == "request lost":
                continue
            if fate == "delayed":
                late.append((path, body))
                continue
            answer = client.post(path, json=body)
            assert answer.status_code == 200, answer.text
            if fate == "answer lost":
                continue
            if fate == "doubled":
                assert client.post(path, json=body).json()["seq"] == answer.json()["seq"]
            if late and chance.random() < 0.3:
                client.post(late[0][0], json=late.pop(0)[1])
            return answer.json()

    for number in range(SUBMITS):
        if history and chance.random() < 0.2:
            row, before = history.pop()
            ack = deliver("/api/undo", {"op_id": f"u{number}", "client": "w"})
            assert ack["row"] == row
            said[row], base[row] = before, ack["seq"] if before is not None else 0
            continue
        row, label = chance.randrange(20), chance.choice(["cat", "dog"])
        body = {"op_id": f"o{number}", "row": row, "kind": "label", "payload": label, "client": "w"}
        ack = deliver("/api/acts", body | {"base_seq": base.get(row, 0)})
        history.append((row, said.get(row)))
        said[row], base[row] = label, ack["seq"]
    for path, body in late:
        client.post(path, json=body)
    assert min(acts.values()) > 20
    events = list(project.journal.events())
    assert len(events) == len({event.op_id for event in events}) == SUBMITS
    with project.journal.reading() as connection:
        held = {row: [each.payload for each in answers_of(connection, row)] for row in range(20)}
    assert held == {row: [] if said.get(row) is None else [said[row]] for row in range(20)}
