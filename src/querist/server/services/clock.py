"""The clock that leases end by: it starts at the time of day and then runs evenly, whatever is done to that."""

from __future__ import annotations

import time


class Clock:
    """Seconds since the epoch at the start of the server, and even seconds from there on.

    A time of day that is put forward by an hour would end every lease, and one put back would let them last. Leases
    of an earlier process are shortened to a full one when the server starts.
    """

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """Seconds on this clock."""
        return time.monotonic() + self._offset
