"""``querist label`` from the command line to the export, as one person on this machine."""

from __future__ import annotations

import contextlib
import csv
import http.client
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from querist.cli.app import main
from querist.cli.label import share
from querist.core.errors import UsageError
from querist.pool.sources import open_pool

PATIENCE_S = 240
"""A training takes two seconds; how long that is beside other work is another matter."""


class Browser:
    """What a browser does: it keeps a cookie and says where its requests come from."""

    def __init__(self, url: str) -> None:
        self.at = urlsplit(url)
        self.cookie = ""
        status, headers, _ = self.ask("GET", f"/?token={parse_qs(self.at.query)['token'][0]}")
        assert status == 303
        self.cookie = headers["set-cookie"].partition(";")[0]

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any, Any]:
        there = http.client.HTTPConnection(self.at.hostname, self.at.port, timeout=60)
        headers = {"cookie": self.cookie, "sec-fetch-site": "same-origin", "content-type": "application/json"}
        with contextlib.closing(there) as connection:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            content = answer.read()
        return answer.status, answer.headers, json.loads(content) if content.startswith((b"{", b"[")) else content

    def __call__(self, path: str, body: Any = None) -> Any:
        status, _, content = self.ask("GET" if body is None else "POST", path, body)
        assert status == 200, content
        return content


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Any]:
    running: list[subprocess.Popen[str]] = []

    def start(*more: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
        words = ["label", "digits", "--out", str(tmp_path / "run"), "--port", "0", "--no-browser", "--json", *more]
        # A shell's background jobs, and what they start, are deaf to Ctrl-C: the suite may be one.
        code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        code += f"from querist.cli.app import main; raise SystemExit(main({words!r}))"
        running.append(
            subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
        line = running[-1].stdout.readline()
        assert line, running[-1].communicate()[1]
        return running[-1], json.loads(line)

    yield start
    for process in running:
        process.kill()
        process.communicate()


def stopped(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGINT)
    said = "".join(process.communicate(timeout=60))
    assert process.returncode == 130, said
    return said


def test_label_learn_stop_go_on_export(served: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = open_pool("digits")
    process, told = served("--retrain-every", "15", "--model", "mlp", "--strategy", "margin", "--name", "ann")
    assert told["classes"] == list("0123456789")
    browser = Browser(told["url"])
    assert "<title>Querist</title>" in browser("/").decode()
    until = time.monotonic() + PATIENCE_S
    seen: list[int] = []
    while not (score := browser("/api/progress")["curve"]):
        assert time.monotonic() < until, browser("/api/progress")
        if len(seen) >= 40:
            time.sleep(0.2)
            continue
        row = browser("/api/leases", {"client": "w", "count": 3})[0]["row"]
        assert browser(f"/api/rows/{row}/picture").startswith(b"\x89PNG")
        act = {"op_id": f"o{len(seen)}", "row": row, "kind": "label", "payload": truth.truth([row])[0], "client": "w"}
        assert browser("/api/acts", act)["seq"] == len(seen) + 1
        seen.append(row)
    assert len(set(seen)) == len(seen)
    assert score[0]["labels"] >= 1
    handed = browser("/api/leases", {"client": "other", "count": 8})
    assert any(each["model_version"] for each in handed), "nothing was ranked by the model"
    assert browser("/api/undo", {"op_id": "u", "client": "w"})["row"] == seen[-1]
    assert browser("/api/progress")["label"] == len(seen) - 1
    assert "the same command again goes on" in stopped(process)

    # A worker ends with its server; the next one may begin at once.
    process, told = served()
    browser = Browser(told["url"])
    assert browser("/api/progress")["label"] == len(seen) - 1
    assert browser(f"/api/rows/{seen[0]}/answers")[0]["payload"] == truth.truth([seen[0]])[0]
    assert main(["export", str(tmp_path / "run"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["labels"] == len(seen) - 1
    with (tmp_path / "run" / "labels.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert sorted(int(line["row"]) for line in lines) == sorted(seen[:-1])
    assert all(line["label"] == truth.truth([int(line["row"])])[0] for line in lines)
    assert main(["label", "digits", "--out", str(tmp_path / "run"), "--port", "0", "--no-browser"]) == 2
    assert "another process is at work" in capsys.readouterr().err
    stopped(process)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["label", "digits", "--host", "0.0.0.0", "--port", "0"], "nobody has a name"),
        (["label", "digits", "--on", "much"], "--on is 'much'"),
        (["label", "digits", "--suggest", "always"], "--suggest is 'always'"),
        (["label", "digits", "--blind", "5%"], "at least 10%"),
        (["label", "digits", "--overlap", "0"], "--overlap is 0"),
        (["label", "digits", "--labels", "cat"], "1 classes were named"),
        (["label", "digits", "--task", "boxes", "--labels", "a,b"], "cannot label for the task boxes"),
        (["label", "./nowhere", "--labels", "a,b"], "there is no folder or file"),
        (["label", "digits", "--labels", "a,b", "--users", "ann:king", "--port", "0"], "role"),
        (["label", "digits", "--labels", "a,b", "--db", "mysql://x/y", "--port", "0"], "cannot live in mysql"),
    ],
    ids=lambda value: " ".join(value[2:]) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_said_in_a_line(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*words, "--no-browser"]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


def test_other_data_or_other_draws_are_another_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from querist.server.settings import LabelSettings

    LabelSettings(data="digits", classes=("0", "1")).write(tmp_path)
    for words in (["digits", "--overlap", "2"], ["digits", "--seed", "3"], [f"csv:{tmp_path}/label.toml"]):
        assert main(["label", *words, "--out", str(tmp_path), "--no-browser"]) == 2
        assert "this project was begun with" in capsys.readouterr().err


def test_a_share_is_a_share() -> None:
    assert [share(text, "--on") for text in ("10%", "0.1", "100%", "0")] == [0.1, 0.1, 1.0, 0.0]
    for text in ("ten", "-1%", "2", "nan", "101%"):
        with pytest.raises(UsageError):
            share(text, "--on")
