"""What comes from elsewhere, is too large, too fast or from nobody is refused before anything is done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from querist.server import gate
from querist.server.app import make_app
from querist.server.house import House
from querist.server.services.project import Project

from .conftest import HOST, act


def test_a_token_works_once_and_leaves_a_cookie_that_scripts_cannot_read(stranger: TestClient, services: House) -> None:
    token = services.doorman.one_time_token()
    assert stranger.get("/").status_code == 401
    answer = stranger.get("/", params={"token": token}, follow_redirects=False)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert token not in cookie
    assert stranger.get("/").status_code == 200
    assert stranger.get("/api/project").json()["person"] == {"name": "me", "role": "admin"}
    stranger.cookies.clear()
    assert stranger.get("/", params={"token": token}, follow_redirects=False).status_code == 403
    assert stranger.get("/api/project").status_code == 403


def test_nothing_secret_is_stored(client: TestClient, services: House, project: Project) -> None:
    from sqlalchemy import text

    cookie = next(iter(client.cookies.values()))
    with project.journal.reading() as connection:
        stored = " ".join(
            str(row)
            for table in ("visits", "people", "meta")
            for row in connection.execute(text(f"SELECT * FROM {table}"))
        )
    assert cookie not in stored
    assert "me" in stored


def test_a_cookie_outlives_the_server_and_not_a_goodbye(client: TestClient, project: Project) -> None:
    again = House.of(project, alone="me")
    other = TestClient(make_app(again, ["127.0.0.1"]), base_url=HOST, cookies=dict(client.cookies))
    assert other.get("/api/project").status_code == 200
    assert client.post("/api/logout").status_code == 204
    assert other.get("/api/project").status_code == 403
    again.close()


@pytest.mark.parametrize("path", ["/api/project", "/api/rows/0", "/api/rows/0/picture", "/api/progress", "/api/people"])
def test_nobody_sees_nothing(path: str, stranger: TestClient) -> None:
    assert stranger.get(path).status_code == 403


@pytest.mark.parametrize("path", ["/api/leases", "/api/acts", "/api/undo", "/api/people", "/api/flags/lower"])
def test_nobody_does_nothing(path: str, stranger: TestClient, project: Project) -> None:
    assert stranger.post(path, json={}).status_code in (403, 422)
    assert stranger.post("/api/acts", json=act(0)).status_code == 403
    assert project.journal.last_seq() == 0


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "", "[::1", "10.0.0.1"]
)
def test_a_name_that_is_not_ours_is_refused(host: str, client: TestClient) -> None:
    """Otherwise a name of a stranger that is made to point here would be read by the stranger's page."""
    assert client.get("/api/project", headers={"host": host}).status_code == 403
    assert client.get("/api/project", headers={"host": "localhost:1"}).status_code == 200


def test_where_others_come_from_an_address_in_figures_is_ours(services: House) -> None:
    far = TestClient(make_app(services, ["labels.lab.org"], numeric=True), base_url="http://10.0.0.7:8000")
    assert far.get("/health").status_code == 200
    for host, status in (("labels.lab.org", 200), ("[fe80::1]:80", 200), ("evil.example", 403)):
        assert far.get("/health", headers={"host": host}).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": HOST}, 200),
        ({"origin": "http://127.0.0.1:9000"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "same-origin", "origin": HOST}, 200),
        ({"sec-fetch-site": "cross-site", "origin": HOST}, 403),
        ({}, 200),
    ],
)
def test_what_another_page_sends_is_refused(headers: dict[str, str], status: int, client: TestClient) -> None:
    assert client.post("/api/acts", json=act(0), headers=headers).status_code == status


def test_another_page_may_link_here_and_embed_nothing(client: TestClient) -> None:
    visit = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert client.get("/", headers=visit).status_code == 200
    assert client.get("/api/rows/0/picture", headers=visit).status_code == 403
    assert client.get("/", headers=visit | {"sec-fetch-dest": "iframe"}).status_code == 403


def test_each_answer_says_what_a_page_may_do(client: TestClient) -> None:
    for path in ("/", "/api/project", "/nowhere", "/static/label.js", "/api/rows/0/picture"):
        headers = client.get(path).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == policy["object-src"] == policy["frame-ancestors"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == "'self'"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers
    page = client.get("/").text
    assert "<script>" not in page
    assert "style=" not in page
    assert "http" not in page, "everything comes from here"


def test_a_body_too_large_is_refused_whether_it_says_so_or_not(client: TestClient) -> None:
    large = b"x" * (gate.MAX_BODY + 1)
    assert client.post("/api/acts", content=large).status_code == 413
    assert client.post("/api/acts", content=iter([large[: 2**20]] * 11)).status_code == 413
    assert client.post("/api/acts", json=act(0, "x" * 1000)).status_code == 422


def test_too_fast_is_told_when_to_come_back(services: House) -> None:
    fast = TestClient(make_app(services, ["127.0.0.1"], rate=5), base_url=HOST)
    fast.get("/", params={"token": services.doorman.one_time_token()})
    answers = [fast.get("/api/project") for _ in range(30)]
    assert {answer.status_code for answer in answers} == {200, 429}
    assert answers[0].status_code == 200
    assert next(answer for answer in answers if answer.status_code == 429).headers["retry-after"] == "1"


def test_guessing_tokens_is_slow(stranger: TestClient) -> None:
    statuses = [stranger.post("/api/login", json={"token": f"guess{n}"}).status_code for n in range(60)]
    assert statuses[0] == 403
    assert 429 in statuses


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e%2fapp.py",
        "/static/..%5capp.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/label.js%00",
        "/api/rows/../../etc/passwd/picture",
        "/api/rows/%2e%2e%2f%2e%2e/picture",
        "/api/rows/-1/picture",
        "/api/rows/0x0/picture",
        "/api/rows/99999/picture",
        "/api/rows/file:%2f%2f%2fetc%2fpasswd/picture",
        "/..%2f..%2fetc/passwd",
    ],
)
def test_paths_lead_nowhere(path: str, client: TestClient) -> None:
    answer = client.get(path)
    assert answer.status_code in (404, 422)
    assert "root:" not in answer.text
    assert "import" not in answer.text


BODIES: list[Any] = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff\xfe",
    b'{"op_id": "\\ud800"}',
    b"[" * 100_000,
    b'{"row":' + b"9" * 5000 + b"}",
    act(0) | {"row": 2**63},
    act(0) | {"row": -1},
    act(0) | {"row": 1.5},
    act(0) | {"row": "0"},
    act(0) | {"row": True},
    act(0) | {"op_id": ""},
    act(0) | {"op_id": "x" * 65},
    act(0) | {"op_id": "a\x00b"},
    act(0) | {"kind": "like"},
    act(0) | {"more": 1},
    act(0, "cow"),
    act(0, ["cat"]),
    act(0, {"a": "cat"}),
    act(0, None),
    act(0, 7),
    act(0, True),
    act(0, "\x00"),
    b'{"op_id":"s1","row":0,"kind":"skip","client":"w","payload":"\\ud800"}',
    b'{"op_id":"s2","row":0,"kind":"skip","client":"w","payload":NaN}',
    b'{"op_id":"s3","row":0,"kind":"skip","client":"w","payload":' + b"[" * 500 + b"]" * 500 + b"}",
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_a_body_that_is_no_act_is_refused_and_stores_nothing(body: Any, client: TestClient, project: Project) -> None:
    sent = (
        {"content": body, "headers": {"content-type": "application/json"}}
        if isinstance(body, bytes)
        else {"json": body}
    )
    answer = client.post("/api/acts", **sent)
    assert answer.status_code in (400, 422), answer.text
    assert set(answer.json()) == {"error", "message"}
    assert project.journal.last_seq() == 0


def test_a_faulty_sample_name_is_shown_as_text_alone() -> None:
    """The page builds what it shows from text nodes; nothing in it takes markup from a string."""
    source = (Path(gate.__file__).parent / "static" / "label.js").read_text(encoding="utf-8")
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert word not in source
