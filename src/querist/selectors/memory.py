"""How much memory a selector may take beside its input, and how large its tiles are then.

What a selector must hold (a number a row, a vector a pick) is known before it starts; the rest of the budget goes to
the tiles in which it computes. So a budget that is too small is refused at once, and any other one only sets how many
rows are looked at together. Input that is mapped from a file does not count: the system drops and rereads its pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from querist.core.errors import MemoryTooSmall

_MB = 1 << 20
_LEAST = 1 << 14
"""Numbers below which a tile is more overhead than arithmetic."""
_COPIES = 3
"""A tile, and what arithmetic makes of it on the way, stand in memory together."""
_HINT = "allow more, choose among fewer candidates, or ask for fewer picks"


@dataclass(eq=False)
class Account:
    """What selectors were allowed and took.

    Args:
        limit: bytes allowed beside the input; ``None`` for as many as are useful.
        held: the most bytes that a selector said it must hold.
        tile: the most numbers that a tile was granted.
        rows: the most rows of a table that were read together.
        width: numbers a row of those.
    """

    limit: int | None = None
    held: int = 0
    tile: int = 0
    rows: int = 0
    width: int = 0


_account: ContextVar[Account | None] = ContextVar("account", default=None)


@contextmanager
def memory_limit(memory_mb: float | None) -> Iterator[Account]:
    """Selectors called inside keep to ``memory_mb``, unless they are given a limit of their own.

    Args:
        memory_mb: megabytes (of 2^20 bytes) beside the input; ``None`` sets no limit.

    Example:
        >>> import torch
        >>> from querist.selectors import k_center
        >>> with memory_limit(64) as account:
        ...     picked = k_center(torch.eye(4), k=2)
        >>> account.limit, account.held > 0
        (67108864, True)
    """
    account = Account(limit=_bytes(memory_mb))
    token = _account.set(account)
    try:
        yield account
    finally:
        _account.reset(token)


def note_rows(rows: int, numbers: int) -> None:
    """Tell the enclosing :func:`memory_limit` that rows of a table, of so many numbers in all, were read together."""
    account = _account.get()
    if account is not None and rows > account.rows:
        account.rows, account.width = rows, numbers // rows


class Memory:
    """The memory of one call.

    Args:
        name: the selector, for messages.
        memory_mb: its limit; ``None`` takes that of the enclosing :func:`memory_limit`, if there is one.
        held: bytes that it holds from start to end, whatever the size of its tiles.
        most: bytes that there are, for work that could need more than any machine has; no limit if ``None``.
        hint: what to try where it is too little.

    Raises:
        MemoryTooSmall: the limit is below what must be held and the smallest tile.

    Example:
        >>> Memory("example", 1.0, held=0).tile(10**9)
        87381
    """

    def __init__(
        self, name: str, memory_mb: float | None, *, held: int, most: int | None = None, hint: str = _HINT
    ) -> None:
        account = _account.get()
        limit = _bytes(memory_mb)
        if limit is None and account is not None:
            limit = account.limit
        if limit is None or (most is not None and most < limit):
            limit = most
        self._name, self._limit, self._held, self._account, self._hint = name, limit, held, account, hint
        self.tile(_LEAST)
        if account is not None:
            account.held = max(account.held, held)

    def tile(self, most: int, *, itemsize: int = 4, least: int = _LEAST) -> int:
        """Numbers that a tile may hold: ``most``, or fewer where the limit is near, but not below ``least``.

        Raises:
            MemoryTooSmall: the limit leaves no room for ``least`` of them.
        """
        numbers = max(most, least)
        if self._limit is not None:
            numbers = min(numbers, (self._limit - self._held) // (_COPIES * itemsize))
            if numbers < least:
                needed = self._held + _COPIES * itemsize * least
                raise MemoryTooSmall(
                    f"{self._name} takes at least {needed / _MB:.2f} MB beside its input "
                    f"and may take {self._limit / _MB:.2f}",
                    hint=self._hint,
                )
        if self._account is not None:
            self._account.tile = max(self._account.tile, numbers)
        return numbers

    def left_mb(self) -> float | None:
        """Megabytes for what is called inside; ``None`` for as many as are useful."""
        return None if self._limit is None else max(0.0, (self._limit - self._held) / _MB)


def _bytes(memory_mb: float | None) -> int | None:
    return None if memory_mb is None else int(memory_mb * _MB)
