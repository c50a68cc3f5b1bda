"""Participants that behave and misbehave on purpose: the harness itself is tested with them."""

from __future__ import annotations

import gc
import os
import time

import numpy as np
from benchmarks.selection.participants import Select, takes_part
from benchmarks.selection.work import Work

_MB = 1 << 20


def _warming(work: Work) -> bool:
    """Whether this is the first call, on a tiny input, which nobody may spoil."""
    return work.case == work.case.small()


@takes_part("rehearsal", "Querist", role="querist")
def in_order(work: Work) -> Select:
    return lambda: work.open[: work.k]


@takes_part("rehearsal", "takes 64 MB", note="and lets them go")
def takes_memory(work: Work) -> Select:
    def select() -> np.ndarray:
        taken = np.ones(64 * _MB, dtype=np.uint8)
        return work.open[: work.k] + 0 * int(taken[0])

    return select


@takes_part("rehearsal", "collects garbage")
def collects(work: Work) -> Select:
    def select() -> np.ndarray:
        for _ in range(5):
            gc.collect()
        return work.open[: work.k]

    return select


@takes_part("rehearsal", "never ends")
def never_ends(work: Work) -> Select:
    def select() -> np.ndarray:
        gc.collect()
        while not _warming(work):
            time.sleep(0.01)
        return work.open

    return select


@takes_part("rehearsal", "takes all memory")
def takes_all(work: Work) -> Select:
    def select() -> np.ndarray:
        held: list[np.ndarray] = []
        while not _warming(work):
            held.append(np.ones(32 * _MB, dtype=np.uint8))
            time.sleep(0.02)
        return work.open

    return select


@takes_part("rehearsal", "raises")
def raises(work: Work) -> Select:
    def select() -> np.ndarray:
        raise ValueError(f"no such\nluck with {work.k}")

    return select


@takes_part("rehearsal", "dies")
def dies(work: Work) -> Select:
    return lambda: None if _warming(work) else os._exit(3)


@takes_part("rehearsal", "is not installed", module="no_such_module")
def not_installed(_: Work) -> Select:
    raise AssertionError("never prepared")


@takes_part("rehearsal", "lives in a checkout", checkout="nowhere")
def in_checkout(_: Work) -> Select:
    raise AssertionError("never prepared")
