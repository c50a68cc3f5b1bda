"""Progress of long work, told to whoever listens: functions report, the command shows.

Reporting is one call that does nothing while nobody listens, so arithmetic can say how far it is without knowing
about terminals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[str, float], None]
"""Gets what is being done, and the share of it that is done (0 to 1)."""

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Let ``listener`` hear what is reported inside.

    Example:
        >>> with listening(lambda what, share: print(f"{what} {share:.0%}")):
        ...     report("picking", 5, of=20)
        picking 25%
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def report(what: str, done: float, *, of: float) -> None:
    """Say that ``done`` of ``of`` steps of some work are over."""
    listener = _listener.get()
    if listener is not None:
        listener(what, min(1.0, done / of) if of else 1.0)
