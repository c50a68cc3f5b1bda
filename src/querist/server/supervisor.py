"""The supervisor: keeps one worker going beside the server, and starts another when it dies, each time later."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from querist.server.worker import DATABASE

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 60.0


class Supervisor:
    """Runs the worker of a project.

    Args:
        folder: of the project.
        db: URL of another database.
        command: what is run, for tests.
    """

    def __init__(self, folder: Path, *, db: str | None = None, command: Sequence[str] | None = None) -> None:
        self._command = list(command or (sys.executable, "-m", "querist.server.worker", str(folder)))
        self._log = folder / "worker.log"
        self._environment = os.environ | ({DATABASE: db} if db is not None else {})
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0
        self._thread = threading.Thread(target=self._keep_going, name="supervisor", daemon=True)

    def start(self) -> None:
        """Start the worker."""
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """Of the worker that runs."""
        return None if self._process is None else self._process.pid

    def stop(self) -> None:
        """End the worker: it has nothing that must be saved."""
        self._stopping.set()
        if self._process is not None:
            self._process.kill()
        if self._thread.ident is not None:
            self._thread.join(timeout=10)

    def _keep_going(self) -> None:
        pause = FIRST_PAUSE_S
        while not self._stopping.is_set():
            with self._log.open("ab") as log:
                # The pipe is never written to: it ends with this process, and the worker with it.
                process = subprocess.Popen(
                    self._command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=self._environment
                )
            self._process = process
            self.starts += 1
            if self._stopping.is_set():
                process.kill()
            process.wait()
            if process.stdin is not None:
                process.stdin.close()
            self._stopping.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)
