"""One run of one participant, in a process of its own: ``python -m benchmarks.selection.cell FD SETTINGS``.

It writes what happened as lines of JSON to the file descriptor, because peers print what they like:

    ready   the arrays are in memory and converted; the clock starts
    picked  seconds, those spent in garbage collection, and the peak of memory above what stood at ``ready``
    judged  how good the picks are
    late    it was told to stop; seconds in garbage collection so far
    failed  what was raised, on one line
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import resource
import signal
import sys
import time
import warnings
from pathlib import Path
from typing import Any

_MB = 1 << 20


class Collections:
    """Seconds that Python's garbage collector took."""

    def __init__(self) -> None:
        self.seconds = self._began = 0.0
        gc.callbacks.append(self._called)

    def _called(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.perf_counter()
        else:
            self.seconds += time.perf_counter() - self._began


class Memory:
    """Peak of resident memory above what stands when this is made, in MB (of 2^20 bytes).

    Linux can forget its high-water mark; elsewhere the mark of the whole life of the process is compared, which sees a
    peak only where it is above all that went before.
    """

    def __init__(self) -> None:
        gc.collect()
        with contextlib.suppress(AttributeError, OSError, TypeError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)  # what was freed shall not be taken again unseen
        with contextlib.suppress(OSError):  # not Linux, or not allowed
            Path("/proc/self/clear_refs").write_text("5")
        self._stood = self._status("VmRSS") or self._most()

    def peak_mb(self) -> float:
        """The peak so far."""
        return max(0.0, (self._status("VmHWM") or self._most()) - self._stood) / _MB

    def _most(self) -> int:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

    def _status(self, field: str) -> int:
        return status_of("self", field)


def status_of(pid: int | str, field: str) -> int:
    """A field of ``/proc/PID/status`` in bytes; 0 where there is none."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:")), 0)


def main() -> None:
    """Run the participant that the settings name."""
    line, settings = os.fdopen(int(sys.argv[1]), "w"), json.loads(sys.argv[2])

    def say(at: str, **facts: Any) -> None:
        print(json.dumps({"at": at, **facts}), file=line, flush=True)

    warnings.simplefilter("ignore")
    collections = Collections()
    began = 0.0

    def told_to_stop(*_: Any) -> None:
        say("late", gc_s=collections.seconds - began)
        os._exit(0)

    signal.signal(signal.SIGTERM, told_to_stop)
    try:
        run(settings, say, collections)
    except MemoryError as error:
        say("failed", memory=True, message=one_line(error))
    except BaseException as error:  # peers raise what they like, SystemExit too
        say("failed", kind=type(error).__name__, message=one_line(error))
    line.close()
    os._exit(0)  # some peers leave threads behind that would not end


def run(settings: dict[str, Any], say: Any, collections: Collections) -> None:
    """Prepare, select, judge."""
    import numpy as np
    from benchmarks.selection.case import Case
    from benchmarks.selection.participants import participant
    from benchmarks.selection.quality import QUALITIES
    from benchmarks.selection.work import Work

    case = Case(**settings["case"])
    work = Work(case, Path(settings["cache"]), settings["checkouts"])
    work.hold()
    if not settings["participant"]:
        Work(case.small(), Path(settings["cache"])).hold()
        return  # only the inputs were wanted
    one = participant(case.method, settings["participant"])
    # A first call, on a tiny input, starts threads, loads libraries and compiles: that is nobody's merit.
    with contextlib.suppress(Exception):
        one.prepare(Work(case.small(), Path(settings["cache"]), settings["checkouts"]))()
    select = one.prepare(work)
    memory = Memory()
    say("ready")
    collected, started = collections.seconds, time.perf_counter()
    answer = limited(select, case.memory_mb if settings["participant"] == "Querist" else None)
    seconds = time.perf_counter() - started
    peak, gc_s = memory.peak_mb(), collections.seconds - collected
    picks = np.asarray(answer).reshape(-1).astype(np.int64)
    say("picked", seconds=seconds, gc_s=gc_s, peak_mb=peak, picks=len(picks))
    np.save(settings["picks"], picks)
    if settings["judge"] and case.method in QUALITIES:
        quality = QUALITIES[case.method](work, picks)
        say("judged", quality={name: float(value) for name, value in quality.items()})


def limited(select: Any, memory_mb: float | None) -> Any:
    """Call it under Querist's memory limit, if there is one."""
    if memory_mb is None:
        return select()
    from querist.selectors import memory_limit

    with memory_limit(memory_mb):
        return select()


def one_line(error: BaseException) -> str:
    """What was raised, short."""
    text = " ".join(str(error).split()) or "no message"
    return text if len(text) <= 160 else f"{text[:157]}..."


if __name__ == "__main__":
    main()
