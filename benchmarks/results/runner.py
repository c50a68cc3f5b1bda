"""Cells in processes of their own: a crash, a kill by the system, or too long a time is a row that says so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Work:
    """A process to run.

    Args:
        name: of the cell.
        command: words of the command.
        limit_s: seconds it may take.
    """

    name: str
    command: tuple[str, ...]
    limit_s: float


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a process ended.

    Args:
        work: what ran.
        message: what went wrong; empty if nothing did.
        seconds: it took.
    """

    work: Work
    message: str
    seconds: float


class _Process:
    """A started process, whose last words on standard error are kept."""

    def __init__(self, work: Work, folder: Path) -> None:
        self.work, self.started = work, time.monotonic()
        self.log = folder / f"{work.name.replace('/', '-')}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1"}
        with self.log.open("wb") as errors:
            self.process = subprocess.Popen(work.command, cwd=ROOT, env=environment, stderr=errors)

    def ended(self) -> Ended | None:
        seconds = time.monotonic() - self.started
        code = self.process.poll()
        if code is None and seconds > self.work.limit_s:
            self.stop()
            return Ended(work=self.work, message=f"took over {self.work.limit_s:g} seconds", seconds=seconds)
        if code is None:
            return None
        return Ended(work=self.work, message=self._why(code), seconds=seconds)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _why(self, code: int) -> str:
        if code == 0:
            return ""
        if code < 0:
            memory = ", as the system does when memory runs out" if -code == signal.SIGKILL else ""
            return f"ended by {signal.Signals(-code).name}{memory}"
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f"ended with {code}: {lines[-1].strip()[:200] if lines else 'it said nothing'}"


def run_all(
    works: Iterable[Work], *, workers: int, folder: Path, then: Callable[[Ended], None], every_s: float = 0.2
) -> None:
    """Run processes, ``workers`` at a time, and tell how each ended. Ctrl-C stops those that run.

    Args:
        works: what to run, in this order.
        workers: processes side by side.
        folder: for what they say on standard error.
        then: called once for each.
        every_s: seconds between looks.
    """
    waiting = deque(works)
    running: list[_Process] = []
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                running.append(_Process(waiting.popleft(), folder))
            for process in list(running):
                if (ended := process.ended()) is not None:
                    running.remove(process)
                    then(ended)
            time.sleep(every_s)
    finally:
        for process in running:
            process.stop()


def cell_command(study: str, strategy: str, folder: Path, seeds: Sequence[int]) -> tuple[str, ...]:
    """The command of a cell."""
    words = study, strategy, str(folder.resolve()), ",".join(map(str, seeds))
    return (sys.executable, "-m", "benchmarks.results.cell", *words)
