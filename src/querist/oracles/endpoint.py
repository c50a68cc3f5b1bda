"""An endpoint of the OpenAI style, ``/v1/chat/completions``: timeouts, retries with back-off, and the bill."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from querist.core.errors import NoAnswer, UsageError
from querist.core.optional import require

_PASSING = {408, 409, 425, 429, 500, 502, 503, 504}
"""Answers that may be other ones a moment later."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a model said.

    Args:
        text: the message.
        tokens: its tokens with the logarithms of their chances; ``None`` where the endpoint gives none.
        cost: of this request.
    """

    text: str
    tokens: tuple[tuple[str, float], ...] | None
    cost: float


@dataclass(kw_only=True)
class Endpoint:
    """Where a language model is asked. One connection is kept for all requests; threads may share it.

    Args:
        url: base address, with the version: ``http://127.0.0.1:8080/v1``.
        model: name that the endpoint knows.
        key_variable: environment variable that holds the key; none is sent where it is not set. The key is never
            stored, printed or written to the journal.
        timeout_s: for each attempt.
        retries: further attempts after a time-out, a broken connection, or an answer such as 429 or 503.
        wait_s: before the first of them; doubled each time, and longer where the endpoint says so.
        longest_wait_s: no single wait is longer.
        price_in: of a million tokens sent.
        price_out: of a million tokens received.
        most_tokens: that an answer may have.
        options: further fields of each request, such as ``{"response_format": {"type": "json_object"}}``.

    Raises:
        UsageError: an address that is none, or negative times.
        MissingExtra: the HTTP client is not installed (when first asked).
    """

    url: str
    model: str
    key_variable: str = "OPENAI_API_KEY"
    timeout_s: float = 60.0
    retries: int = 4
    wait_s: float = 1.0
    longest_wait_s: float = 60.0
    price_in: float = 0.0
    price_out: float = 0.0
    most_tokens: int = 200
    options: Mapping[str, Any] = field(default_factory=dict)

    requests: int = field(default=0, init=False)
    """Attempts so far, the failed ones too."""
    tokens_in: int = field(default=0, init=False)
    tokens_out: int = field(default=0, init=False)
    spent: float = field(default=0.0, init=False)
    """What all answers cost."""

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise UsageError(f"{self.url!r} is no address", hint="give one such as http://127.0.0.1:8080/v1")
        if self.timeout_s <= 0 or self.retries < 0 or self.wait_s < 0:
            raise UsageError(f"timeout {self.timeout_s} s, {self.retries} retries, wait {self.wait_s} s: below 0")
        self._lock = threading.Lock()
        self._client: Any = None

    def ask(self, messages: Sequence[Mapping[str, str]], *, temperature: float, logprobs: bool, seed: int) -> Reply:
        """One answer.

        Raises:
            NoAnswer: no usable answer after all attempts, or one that would not be another a moment later.
        """
        body = {
            "model": self.model,
            "messages": list(messages),
            "temperature": temperature,
            "max_tokens": self.most_tokens,
            "seed": seed,
            **({"logprobs": True} if logprobs else {}),
            **self.options,
        }
        return self._read(self._post(body))

    def close(self) -> None:
        """Drop the connection."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _post(self, body: Mapping[str, Any]) -> Any:
        http = require("httpx2", extra="llm")
        key = os.environ.get(self.key_variable, "")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        wait = self.wait_s
        for attempt in range(self.retries + 1):
            with self._lock:
                self.requests += 1
            try:
                answer = self._connection(http).post("chat/completions", json=body, headers=headers)
            except http.TransportError as error:
                fault, asked = type(error).__name__, 0.0
            else:
                if answer.is_success:
                    return answer
                fault, asked = f"status {answer.status_code}", _seconds(answer.headers.get("retry-after"))
                if answer.status_code not in _PASSING:
                    hint = f"put a key into {self.key_variable}" if answer.status_code in (401, 403) else "see its log"
                    raise NoAnswer(f"{self.url} refuses with {fault}: {answer.text[:200]}", hint=hint)
            if attempt < self.retries:
                time.sleep(min(max(wait, asked), self.longest_wait_s))
                wait *= 2
        raise NoAnswer(
            f"{self.url} gave no answer in {self.retries + 1} attempts ({fault})",
            hint="is it up? Labels given so far are in the journal, so the run can be resumed",
        )

    def _connection(self, http: ModuleType) -> Any:
        with self._lock:
            if self._client is None:
                self._client = http.Client(base_url=self.url.rstrip("/") + "/", timeout=self.timeout_s)
            return self._client

    def _read(self, answer: Any) -> Reply:
        """The first choice of a completion, with its bill."""
        try:
            said = answer.json()
            choice = said["choices"][0]
            text = choice["message"]["content"] or ""
            held = (choice.get("logprobs") or {}).get("content")
            tokens = None if held is None else tuple((str(one["token"]), float(one["logprob"])) for one in held)
            usage = said.get("usage") or {}
            sent, received = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise NoAnswer(
                f"{self.url} answers with something else than a completion ({type(error).__name__})",
                hint="the address must speak /v1/chat/completions",
            ) from None
        cost = (sent * self.price_in + received * self.price_out) / 1e6
        with self._lock:
            self.tokens_in += sent
            self.tokens_out += received
            self.spent += cost
        return Reply(text=text, tokens=tokens, cost=cost)


def _seconds(said: str | None) -> float:
    """What a ``Retry-After`` header asks for, where it is a number."""
    try:
        return max(float(said or 0), 0.0)
    except ValueError:
        return 0.0
