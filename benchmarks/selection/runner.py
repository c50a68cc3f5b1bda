"""Runs cells in processes of their own, under limits of time and memory, and says how each ended."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.selection.case import Case
from benchmarks.selection.cell import status_of

ROOT = Path(__file__).resolve().parents[2]
_POLL_S = 0.02
_READY_S = 1200.0
"""For inputs to be made or read, and converted."""
_JUDGE_S = 1200.0
_GRACE_S = 5.0
_SLOWING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""Settings that hold a current NumPy back where they are set for old ones."""
_MB, _GB = 1 << 20, 1 << 30


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When a run is stopped.

    Args:
        seconds: time of a selection; a case with a limit of its own keeps it.
        memory_gb: resident memory of the whole process, watched where there is ``/proc``.
    """

    seconds: float | None = None
    memory_gb: float = 16.0


@dataclass(frozen=True, kw_only=True)
class Run:
    """How one run ended.

    Args:
        status: ``ok``, ``late``, ``memory``, ``failed`` or ``absent``.
        seconds: of the selection; of the limit if it was late.
        gc_s: of these in garbage collection.
        peak_mb: memory above the inputs.
        anonymous_mb: the same without pages of mapped files, sampled.
        picks: how many positions came back.
        quality: what they are worth.
        message: what went wrong, on one line.
    """

    status: str
    seconds: float = 0.0
    gc_s: float = 0.0
    peak_mb: float = 0.0
    anonymous_mb: float = 0.0
    picks: int = 0
    quality: dict[str, float] | None = None
    message: str = ""


def run_cell(
    case: Case,
    who: str,
    *,
    cache: Path,
    picks: Path,
    checkouts: dict[str, str] | None = None,
    limits: Limits | None = None,
    judge: bool = False,
) -> Run:
    """One run of ``who`` at ``case``; with an empty name the inputs are only made."""
    limits = limits or Limits()
    settings = {
        "case": asdict(case),
        "participant": who,
        "cache": str(cache),
        "picks": str(picks),
        "checkouts": checkouts or {},
        "judge": judge,
    }
    reads, writes = os.pipe()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.selection.cell", str(writes), json.dumps(settings)],
            cwd=ROOT,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            pass_fds=(writes,),
        )
        os.close(writes)
        try:
            watched = _Watch(process, reads, case.limit_s if limits.seconds is None else limits.seconds, limits)
            return watched.until_end(wanted=bool(who), said=said)
        finally:
            process.kill()
            process.wait()
            os.close(reads)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _SLOWING}
    path = os.pathsep.join(filter(None, [str(ROOT / "src"), kept.get("PYTHONPATH", "")]))
    return {**kept, "PYTHONPATH": path, "PYTHONUTF8": "1", "HF_HUB_OFFLINE": "1"}


class _Watch:
    """Follows one process through what it says, its time and its memory."""

    def __init__(self, process: subprocess.Popen[bytes], reads: int, seconds: float, limits: Limits) -> None:
        self.process, self.reads, self.seconds, self.limits = process, reads, seconds, limits
        self.facts: dict[str, dict[str, Any]] = {}
        self.began = time.monotonic()
        self._text = b""
        self._stood = self._most = 0

    def until_end(self, *, wanted: bool, said: Any) -> Run:
        with selectors.DefaultSelector() as channel:
            channel.register(self.reads, selectors.EVENT_READ)
            while True:
                ended = self.process.poll() is not None
                while channel.select(0 if ended else _POLL_S):
                    if not self._hear():
                        return self._end(wanted, said)
                if ended:
                    return self._end(wanted, said)
                if stopped := self._over_limit():
                    return stopped

    def _hear(self) -> bool:
        chunk = os.read(self.reads, 1 << 16)
        *lines, self._text = (self._text + chunk).split(b"\n")
        for line in lines:
            facts = json.loads(line)
            self.facts[facts["at"]] = facts
            self.began = time.monotonic()
            if facts["at"] == "ready":
                self._stood = self._most = status_of(self.process.pid, "RssAnon")
        return bool(chunk)

    def _over_limit(self) -> Run | None:
        selecting = "ready" in self.facts and "picked" not in self.facts
        if status_of(self.process.pid, "VmRSS") > self.limits.memory_gb * _GB and "picked" not in self.facts:
            return Run(status="memory", message=f"over {self.limits.memory_gb:g} GB")
        if selecting:
            self._most = max(self._most, status_of(self.process.pid, "RssAnon"))
        limit = self.seconds if selecting else _JUDGE_S if "picked" in self.facts else _READY_S
        if time.monotonic() - self.began <= limit:
            return None
        if not selecting:
            return self._picked() or Run(status="failed", message=f"was not ready after {_READY_S:g} s")
        # It may say how much of the time was garbage collection, if it is in Python often enough.
        self.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + _GRACE_S
        with selectors.DefaultSelector() as channel:
            channel.register(self.reads, selectors.EVENT_READ)
            while "late" not in self.facts and time.monotonic() < deadline:
                if channel.select(_POLL_S) and not self._hear():
                    break
        gc_s = self.facts.get("late", {}).get("gc_s", 0.0)
        return Run(status="late", seconds=self.seconds, gc_s=gc_s, message=f"stopped after {self.seconds:g} s")

    def _end(self, wanted: bool, said: Any) -> Run:
        code = self.process.wait()
        if picked := self._picked():
            return picked
        if failed := self.facts.get("failed"):
            if failed.get("memory"):
                return Run(status="memory", message=failed["message"])
            absent = failed["kind"] in ("NotYet", "ModuleNotFoundError")
            shown = failed["message"] if absent else f"{failed['kind']}: {failed['message']}"
            return Run(status="absent" if absent else "failed", message=shown)
        if code == 0 and not wanted:
            return Run(status="ok")
        said.seek(0)
        last = said.read().decode(errors="replace").strip().splitlines()[-1:] or [""]
        if code == -signal.SIGKILL:
            return Run(status="memory", message="killed by the system, most likely for memory")
        return Run(status="failed", message=" ".join(f"ended with {code}; {last[0]}".split())[:160])

    def _picked(self) -> Run | None:
        if not (picked := self.facts.get("picked")):
            return None
        return Run(
            status="ok",
            seconds=picked["seconds"],
            gc_s=picked["gc_s"],
            peak_mb=picked["peak_mb"],
            anonymous_mb=max(0, self._most - self._stood) / _MB,
            picks=picked["picks"],
            quality=self.facts.get("judged", {}).get("quality"),
        )
