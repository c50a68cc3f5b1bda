"""A process that forks servers to be killed: imports are paid once, not at each kill.

Reads ``FOLDER PORT`` a line; forks a server without a worker, says ``pid N``, ``ready PORT``, a ``token T`` a person at
the first start, and ``end`` once that server is gone.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from querist.server.serve import Address, Ready, serve
from querist.server.settings import LabelSettings

PEOPLE = tuple((f"person{number}", "annotator") for number in range(8))
SETTINGS = LabelSettings(data="digits", classes=tuple("0123456789"), overlap=8, overlap_share=1.0)


def say(text: str) -> None:
    # One write of a short line to a pipe arrives whole or not at all.
    os.write(1, f"{text}\n".encode())


def told(page: Ready) -> None:
    for link in page.links.values():
        say(f"token {link.partition('token=')[2]}")
    say(f"ready {page.port}")


if __name__ == "__main__":
    import uvicorn  # noqa: F401  (before the fork)

    from querist.pool.sources import open_pool

    open_pool("digits")
    say("loaded")
    for line in sys.stdin:
        folder, port = line.split()
        pid = os.fork()
        if pid == 0:
            address = Address(port=int(port))
            serve(Path(folder), SETTINGS, address=address, ready=told, alone="me", users=PEOPLE, train=False, rate=1e6)
            os._exit(0)
        say(f"pid {pid}")
        os.waitpid(pid, 0)
        say("end")
