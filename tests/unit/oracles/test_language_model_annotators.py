"""A language model behind a real server on this machine: asked, retried, checked, billed, and doubted."""

import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from querist.core.errors import NoAnswer, UsageError
from querist.loop.campaign import run_campaign
from querist.loop.session import Session
from querist.oracles.endpoint import Endpoint
from querist.oracles.language_model_annotators import LanguageModelAnnotators
from querist.pool.pool import Pool

Answerer = Callable[[dict[str, Any]], Any]
TEXTS = ["a fine day", "a grim day", "fine food", "grim food", "fine and grim", "???"]
LABELS = ["up", "down", "up", "down", "down", "up"]


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answer: Answerer) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer, self.asked, self.keys, self.paths = answer, [], [], []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server: Any = self.server
        with server.lock:
            server.asked.append(body)
            server.paths.append(self.path)
            server.keys.append(self.headers.get("Authorization"))
        said = server.answer(body)
        status, headers, text = said if isinstance(said, tuple) else (200, {}, json.dumps(said))
        data = text.encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving(answer: Answerer) -> Iterator[Server]:
    server = Server(answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def endpoint(server: Server, **options: Any) -> Iterator[Endpoint]:
    made = Endpoint(**{"url": server.url, "model": "small", "wait_s": 0.01, "retries": 3, "timeout_s": 5, **options})
    try:
        yield made
    finally:
        made.close()


def completion(text: str, tokens: list[tuple[str, float]] | None = None) -> dict[str, Any]:
    choice: dict[str, Any] = {"message": {"role": "assistant", "content": text}}
    if tokens is not None:
        choice["logprobs"] = {"content": [{"token": token, "logprob": logprob} for token, logprob in tokens]}
    return {"choices": [choice], "usage": {"prompt_tokens": 100, "completion_tokens": 10}}


def spelled(label: str, chance: float) -> dict[str, Any]:
    """An answer whose label comes in two tokens, which have this chance together."""
    half = math.log(chance) / 2
    tokens = [
        ('{"', -0.5),
        ("label", -0.5),
        ('":', 0.0),
        (' "', -0.5),
        (label[:1], half),
        (label[1:], half),
        ('"}', -2.0),
    ]
    return completion("".join(token for token, _ in tokens), tokens)


def sentiment(body: dict[str, Any]) -> dict[str, Any]:
    """Sure where one of the words is there, torn where both are, and lost for words without any."""
    text = body["messages"][-1]["content"]
    fine, grim = "fine" in text, "grim" in text
    if fine and grim:
        return spelled("up", 0.6)
    return spelled("up" if fine else "down", 0.97) if fine or grim else completion("I cannot say.", [("I", 0.0)])


@pytest.fixture
def pool() -> Pool:
    return Pool.from_arrays(TEXTS, LABELS)


def test_sure_answers_count_and_the_others_go_to_a_person(pool, monkeypatch):
    monkeypatch.setenv("SOME_KEY", "s3cret")
    with (
        serving(sentiment) as server,
        endpoint(server, key_variable="SOME_KEY", price_in=2.0, price_out=30.0) as asked,
    ):
        oracle = LanguageModelAnnotators(pool, asked, guideline="Moods of texts.", examples=[("fine!", "up")])
        said = oracle.answers(pool.rows())
    assert [one.annotator for one in said] == ["small"] * 4 + ["oracle"] * 2
    assert [one.label for one in said] == LABELS
    # What was sent.
    assert set(server.paths) == {"/v1/chat/completions"}
    assert set(server.keys) == {"Bearer s3cret"}
    assert len(server.asked) == len(TEXTS)
    (first,) = [body for body in server.asked if body["messages"][-1]["content"] == "a fine day"]
    assert first["model"] == "small"
    assert (first["temperature"], first["logprobs"]) == (0.0, True)
    system, user, assistant, _ = first["messages"]
    assert '"down", "up"' in system["content"]
    assert "Moods of texts." in system["content"]
    assert (user["content"], json.loads(assistant["content"])) == ("fine!", {"label": "up"})
    assert "s3cret" not in repr(asked)
    # What it cost: a request is 100 tokens in and 10 out.
    request = (100 * 2 + 10 * 30) / 1e6
    assert asked.spent == pytest.approx(6 * request)
    assert (asked.requests, asked.tokens_in, asked.tokens_out) == (6, 600, 60)
    assert oracle.price(0, "small") == pytest.approx(request)
    assert oracle.price(5, "oracle") == pytest.approx(1 + request)


def test_confidence_is_the_chance_of_the_label_and_not_of_the_quotes(pool):
    with serving(lambda body: spelled("down", 0.64)) as server, endpoint(server) as asked:
        (guess,) = LanguageModelAnnotators(pool, asked).guesses(np.array([0]))
    assert (guess.label, guess.confidence) == ("down", pytest.approx(0.64))


def test_repeated_answers_tell_doubt_without_log_probabilities(pool):
    turns = iter(["up", "up", "down", "nonsense", "up"] * 2)
    with serving(lambda body: completion(json.dumps({"label": next(turns)}))) as server, endpoint(server) as asked:
        oracle = LanguageModelAnnotators(pool, asked, doubt="repeats", parallel=1)
        (guess,) = oracle.guesses(np.array([0]))
        assert (guess.label, guess.confidence) == ("up", pytest.approx(3 / 5))
        assert LanguageModelAnnotators(pool, asked, doubt="repeats", sure=0.6).answers(np.array([0]))[0].label == "up"
    bodies = server.asked
    assert {body["temperature"] for body in bodies} == {0.7}
    assert not any("logprobs" in body for body in bodies)
    assert len({body["seed"] for body in bodies[:5]}) == 5
    assert [body["seed"] for body in bodies[5:]] == [body["seed"] for body in bodies[:5]]


def test_an_endpoint_without_log_probabilities_says_what_to_do(pool):
    with (
        serving(lambda body: completion('{"label": "up"}')) as server,
        endpoint(server) as asked,
        pytest.raises(NoAnswer, match='small gives no log-probabilities; ask it several times: doubt="repeats"'),
    ):
        LanguageModelAnnotators(pool, asked).answers(pool.rows())


@pytest.mark.parametrize(
    "text",
    ["up", "", "{", '{"label": 3}', '{"label": "left"}', '["up"]', '{"class": "up"}', '{"label": ["up"]}', "{}}"],
)
def test_what_is_not_the_json_that_was_asked_for_is_no_answer(pool, text):
    with serving(lambda body: completion(text, [(text, 0.0)])) as server, endpoint(server) as asked:
        (said,) = LanguageModelAnnotators(pool, asked).answers(np.array([1]))
    assert (said.label, said.annotator) == ("down", "oracle")


@pytest.mark.parametrize(
    "text", ['```json\n{"label": "UP"}\n```', ' {"label": " up "} ', '{"why": "fine", "label": "up"}']
)
def test_wrapped_answers_are_read(pool, text):
    assert LanguageModelAnnotators(pool).label_of(text) == "up"


def test_passing_faults_are_retried_with_growing_waits(pool, monkeypatch):
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    turns = iter([(503, {}, "busy"), (429, {"Retry-After": "7"}, "slow down"), (500, {}, ""), None])

    def answer(body: dict[str, Any]) -> Any:
        return next(turns) or spelled("up", 0.99)

    with serving(answer) as server, endpoint(server, wait_s=1.0) as asked:
        (said,) = LanguageModelAnnotators(pool, asked).answers(np.array([0]))
    assert said.annotator == "small"
    assert [wait for wait in waits if wait >= 0.5] == [1.0, 7.0, 4.0]
    assert asked.requests == 4


def test_faults_that_last_end_in_one_line(pool):
    with serving(lambda body: (503, {}, "busy")) as server, endpoint(server, retries=1) as asked:
        with pytest.raises(NoAnswer, match=r"no answer in 2 attempts \(status 503\)"):
            LanguageModelAnnotators(pool, asked).answers(np.array([0]))
        assert asked.requests == 2
    with endpoint(server, retries=0, timeout_s=0.5) as asked, pytest.raises(NoAnswer, match="in 1 attempts"):
        LanguageModelAnnotators(pool, asked).answers(np.array([0]))  # nobody listens any more


def test_a_slow_endpoint_runs_out_of_time(pool):
    def answer(body: dict[str, Any]) -> Any:
        gone.wait(5)
        return spelled("up", 0.99)

    gone = threading.Event()
    with serving(answer) as server, endpoint(server, retries=0, timeout_s=0.2) as asked:
        with pytest.raises(NoAnswer, match="Timeout"):
            LanguageModelAnnotators(pool, asked).answers(np.array([0]))
        gone.set()


@pytest.mark.parametrize(("status", "hint"), [(401, "put a key into OPENAI_API_KEY"), (400, "see its log")])
def test_a_refusal_is_not_retried(pool, monkeypatch, status, hint):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with serving(lambda body: (status, {}, "no")) as server, endpoint(server) as asked:
        with pytest.raises(NoAnswer, match=f"refuses with status {status}: no; {hint}"):
            LanguageModelAnnotators(pool, asked).answers(np.array([0]))
        assert asked.requests == 1
    assert server.keys == [None]


@pytest.mark.parametrize("text", ["<html>", "{}", '{"choices": []}', '{"choices": [{"message": null}]}', "[1]"])
def test_another_kind_of_server_is_named(pool, text):
    with (
        serving(lambda body: (200, {}, text)) as server,
        endpoint(server) as asked,
        pytest.raises(NoAnswer, match="something else than a completion"),
    ):
        LanguageModelAnnotators(pool, asked).answers(np.array([0]))


def test_requests_run_side_by_side_and_answers_keep_their_order(pool):
    barrier = threading.Barrier(3, timeout=10)

    def answer(body: dict[str, Any]) -> Any:
        barrier.wait()  # passes only when three are asked at once
        return sentiment(body)

    with serving(answer) as server, endpoint(server) as asked:
        said = LanguageModelAnnotators(pool, asked, parallel=3).answers(np.array([3, 0, 1]))
    assert [(one.row, one.label) for one in said] == [(3, "down"), (0, "up"), (1, "down")]


def test_a_campaign_is_annotated_by_both():
    texts = [f"{'fine' if row % 2 else 'grim'} {row}" if row % 3 else f"fine and grim {row}" for row in range(60)]
    pool = Pool.from_arrays(texts, ["up" if row % 2 else "down" for row in range(60)], test=0.2)
    session = Session(pool, model="sklearn:LogisticRegression", strategy="margin", seed=0)
    with serving(sentiment) as server, endpoint(server) as asked:
        oracle = LanguageModelAnnotators(pool, asked)
        run_campaign(session, oracle, arm="margin", initial=10, batch=5, budget=20, metric="accuracy")
    by = [name for row in session.state.rows.tolist() for name in session.state.answers(row)]
    assert set(by) == {"small", "oracle"}
    assert session.labels == 20
    torn = [row for row in session.state.rows.tolist() if row % 3 == 0]
    assert all(list(session.state.answers(row)) == ["oracle"] for row in torn)


def test_refusals(pool):
    asked = Endpoint(url="http://127.0.0.1:1/v1", model="m")
    for options, said in (
        ({"classes": ["one"]}, "choose between 1 classes"),
        ({"doubt": "entropy"}, "doubt cannot be told by 'entropy'"),
        ({"repeats": 1}, "1 repeats"),
        ({"parallel": 0}, "0 requests"),
    ):
        with pytest.raises(UsageError, match=said):
            LanguageModelAnnotators(pool, asked, **options)
    for options in ({"url": "localhost:8080"}, {"timeout_s": 0}, {"retries": -1}):
        with pytest.raises(UsageError):
            Endpoint(**{"url": "http://127.0.0.1/v1", "model": "m", **options})
