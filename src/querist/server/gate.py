"""The gate: what every request must be before anybody looks at what it wants, and what every answer carries.

Plain ASGI, and the outermost layer. A page of another site can make a browser send requests here, and a name that
points to this machine can make it read the answers; so the name asked for must be one of ours, and what changes
something must come from our own page.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import time
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 10 * 2**20
"""Bytes of a request: a mask or a long text fits, a film does not."""
BODY_S = 30.0
"""How long a request may take to arrive."""
SAFE = ("GET", "HEAD", "OPTIONS")
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # The first address holds a token.
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class Buckets:
    """Requests that each key may make: ``rate`` a second on average, ``burst`` at once.

    Args:
        rate: tokens a second.
        burst: tokens that a key can save.
        most: keys that are remembered; the one unseen for longest is forgotten.
    """

    def __init__(self, rate: float, burst: float, *, most: int = 10_000) -> None:
        self._rate, self._burst, self._most = rate, burst, most
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def spend(self, key: str, now: float | None = None) -> bool:
        """Whether ``key`` had a token left, which is then gone.

        Example:
            >>> buckets = Buckets(rate=1, burst=2)
            >>> [buckets.spend("ann", now=at) for at in (0, 0, 0, 1)]
            [True, True, False, True]
        """
        now = time.monotonic() if now is None else now
        left, then = self._left.pop(key, (self._burst, now))
        left = min(self._burst, left + (now - then) * self._rate)
        self._left[key] = (left - 1 if left >= 1 else left, now)
        while len(self._left) > self._most:
            self._left.popitem(last=False)
        return left >= 1


class Gate:
    """Lets requests through to ``app``, or answers them itself: 403, 408, 413, 429.

    Args:
        app: what is behind.
        hosts: names that this server goes by, without ports. Where people come from other machines, any address in
            figures is allowed too: only a name can be made to point somewhere else.
        numeric: whether addresses in figures other than those in ``hosts`` are allowed.
        rate: requests a second of one address, all people behind it together.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str], *, numeric: bool = False, rate: float = 1000.0) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._numeric = numeric
        self._buckets = Buckets(rate, 2 * rate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    answered.setdefault(name, value)
                answered.setdefault("cache-control", "no-store")
            await send(message)

        refusal = self._refusal(scope, headers)
        if refusal is None:
            try:
                body = await asyncio.wait_for(_body(headers, receive), BODY_S)
            except TimeoutError:
                refusal = (408, "TooSlow", "the request did not arrive in time; send it again")
            else:
                if body is None:
                    refusal = (413, "TooLarge", f"a request may have {MAX_BODY:,} bytes; send less")
        if refusal is not None:
            await _answer(with_headers, *refusal)
            return
        await self._app(scope, _replayed(body, receive), with_headers)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str, str] | None:
        if not self._is_ours(headers.get("host", "")):
            return 403, "Refused", "this server does not go by that name; open the address that it printed"
        site = headers.get("sec-fetch-site")
        if site is not None:
            foreign = site not in ("same-origin", "none") and not _is_visit(scope, headers)
        elif scope["method"] not in SAFE and "origin" in headers:
            foreign = urlsplit(headers["origin"]).netloc != headers.get("host")
        else:
            foreign = False
        if foreign:
            return 403, "Refused", "that came from a page of another site; use the labelling page"
        address = (scope.get("client") or ("?", 0))[0]
        if not self._buckets.spend(address):
            return 429, "TooFast", "too many requests; wait a second"
        return None

    def _is_ours(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").lower()
        except ValueError:
            return False
        if name in self._hosts:
            return True
        return self._numeric and _is_address(name)


def _is_visit(scope: Scope, headers: Headers) -> bool:
    """Whether a person follows a link to the page itself: the one thing that another site may start."""
    mode, wanted = headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")
    return scope["method"] == "GET" and scope["path"] == "/" and mode == "navigate" and wanted == "document"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


async def _body(headers: Headers, receive: Receive) -> bytes | None:
    """The whole body, or ``None`` once it is too large."""
    said = headers.get("content-length", "0")
    if said.isdecimal() and int(said) > MAX_BODY:
        return None
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY:
            return None
        if not message.get("more_body"):
            return b"".join(parts)


def _replayed(body: bytes | None, receive: Receive) -> Receive:
    told = False

    async def replay() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body or b"", "more_body": False}

    return replay


async def _answer(send: Send, status: int, kind: str, message: str) -> None:
    content: Any = json.dumps({"error": kind, "message": message}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    if status in (429, 408):
        headers.append((b"retry-after", b"1"))
    if status in (408, 413):
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
