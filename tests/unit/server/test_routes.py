"""The whole way of an answer over HTTP: taken, given, taken back, counted."""

from __future__ import annotations

import io
import sqlite3

import pytest
from PIL import Image
from sqlalchemy import event
from starlette.testclient import TestClient

from querist.server.app import make_app
from querist.server.house import House
from querist.server.services.project import Project

from .conftest import HOST, act


def test_label_edit_undo_count(client: TestClient) -> None:
    handed = client.post("/api/leases", json={"client": "w", "count": 3}).json()
    assert len({each["row"] for each in handed}) == 3
    row = handed[0]["row"]
    ack = client.post("/api/acts", json=act(row)).json()
    assert (ack["seq"], ack["row"], ack["kind"]) == (1, row, "label")
    conflict = client.post("/api/acts", json=act(row, "dog"))
    assert conflict.status_code == 409
    assert conflict.json()["stored"] == {"kind": "label", "payload": "cat", "seq": 1}
    assert conflict.json()["given"] == {"kind": "label", "payload": "dog", "seq": 0}
    assert client.post("/api/acts", json=act(row, "dog", base_seq=1)).json()["seq"] == 2
    assert client.get(f"/api/rows/{row}/answers").json()[0]["payload"] == "dog"
    undone = client.post("/api/undo", json={"op_id": "u1", "client": "w"}).json()
    assert (undone["row"], undone["restored"]) == (row, {"kind": "label", "payload": "cat"})
    now = client.get("/api/progress").json()
    assert (now["label"], now["rows"], now["classes"]) == (1, 20, {"cat": 1})
    assert client.post("/api/leases/heartbeat", json={"client": "w"}).json()["held"] == 3
    assert client.post("/api/leases/release", json={"client": "w"}).json() == {"released": 3}


def test_a_picture_is_encoded_here_from_its_pixels(client: TestClient, project: Project) -> None:
    answer = client.get("/api/rows/3/picture")
    assert answer.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(answer.content)).getpixel((1, 0)) == int(project.pool[3][0, 1])
    assert client.get("/api/rows/3").json()["modality"] == "image"
    assert client.get("/api/rows/20").status_code == 404


def test_the_description_names_every_route(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/api/leases", "/api/acts", "/api/undo", "/api/rows/{row}/picture", "/api/progress"} <= set(paths)


def test_people_have_names_roles_and_tokens_of_their_own(project: Project) -> None:
    team = House.of(project)
    app = make_app(team, ["127.0.0.1"])
    tokens = {
        name: team.doorman.add(name, role)
        for name, role in (("eve", "admin"), ("ann", "annotator"), ("bob", "reviewer"))
    }
    as_ = {
        name: TestClient(app, base_url=HOST, headers={"authorization": f"Bearer {token}"})
        for name, token in tokens.items()
    }
    assert as_["ann"].post("/api/acts", json=act(0)).status_code == 200
    assert as_["bob"].get("/api/rows/0/answers").json()[0]["annotator"] == "ann"
    assert as_["ann"].post("/api/acts", json=act(1, None, kind="flag")).status_code == 200
    lower = {"op_id": "l", "row": 1, "flagged_by": "ann"}
    assert as_["ann"].post("/api/flags/lower", json=lower).status_code == 403
    assert as_["bob"].post("/api/flags/lower", json=lower).status_code == 200
    for name in ("ann", "bob"):
        assert as_[name].get("/api/people").status_code == 403
        assert as_[name].post("/api/people", json={"name": "x"}).status_code == 403
    made = as_["eve"].post("/api/people", json={"name": "zoe"}).json()
    browser = TestClient(app, base_url=HOST)
    assert browser.post("/api/login", json={"token": made["token"]}).status_code == 204
    assert browser.get("/api/project").json()["person"] == {"name": "zoe", "role": "annotator"}
    assert as_["eve"].delete("/api/people/zoe").status_code == 200
    assert browser.get("/api/project").status_code == 403
    assert as_["eve"].post("/api/people", json={"name": "../x"}).status_code == 422
    team.close()


@pytest.mark.parametrize("header", ["Bearer ", "Bearer nobody", "Basic YTpi", "bearer \t", "x"])
def test_a_wrong_token_is_nobody(header: str, project: Project) -> None:
    team = House.of(project)
    client = TestClient(make_app(team, ["127.0.0.1"]), base_url=HOST)
    assert client.get("/api/project", headers={"authorization": header}).status_code == 403
    team.close()


def test_a_disk_that_fails_acknowledges_nothing_and_the_server_lives(client: TestClient, project: Project) -> None:
    broken = {"now": True}

    def fail(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if broken["now"] and statement.startswith("INSERT INTO events"):
            raise sqlite3.OperationalError("disk I/O error")

    event.listen(project.journal._database._open, "before_cursor_execute", fail)
    body = act(0)
    refused = client.post("/api/acts", json=body)
    assert (refused.status_code, refused.json()["error"]) == (503, "NotDurable")
    assert refused.headers["retry-after"] == "1"
    assert project.journal.last_seq() == 0
    assert client.get("/api/progress").json()["label"] == 0
    assert len(client.post("/api/leases", json={"client": "w"}).json()) == 3
    broken["now"] = False
    assert client.post("/api/acts", json=body).json()["seq"] == 1
