"""What people do at the desk, and what they are told: plain values that travel between routes and services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MAIN, HELD_OUT = "main", "held_out"
"""Campaigns of a labelling project: rows to learn from, and a random slice that only measures."""


@dataclass(frozen=True, kw_only=True)
class Act:
    """Something that an annotator says of a row.

    Args:
        op_id: made by the client before it is sent; the same one again is the same act.
        row: pool id.
        kind: label, unsure, skip or flag.
        payload: the label; for the others a remark, or nothing.
        base_seq: the ``seq`` of the own answer that this one replaces; 0 where there is none.
        client: the window that it comes from.
    """

    op_id: str
    row: int
    kind: str
    payload: Any = None
    base_seq: int = 0
    client: str = ""


@dataclass(frozen=True, kw_only=True)
class Ack:
    """What is durable now. It is sent after the commit, never before.

    Args:
        op_id: of the act.
        seq: its place in the journal.
        row: pool id.
        kind: label, unsure, skip, flag, undo or lower.
        repeated: whether it had been stored before, and nothing was done.
        extra: whether the row had opinions enough already; this one is kept all the same.
        undone: what was taken back, for an undo: kind and payload.
        restored: what holds again after it, if anything: kind and payload.
        suggestion: what the model thinks, where it is shown after the first choice.
    """

    op_id: str
    seq: int
    row: int
    kind: str
    repeated: bool = False
    extra: bool = False
    undone: dict[str, Any] | None = None
    restored: dict[str, Any] | None = None
    suggestion: Any = None


@dataclass(frozen=True, kw_only=True)
class Handed:
    """A row that an annotator is asked for.

    Args:
        row: pool id.
        until: when the lease ends if nothing is heard.
        reason: why it is asked.
        base_seq: ``seq`` of the own answer (a skip that comes back); 0 where there is none.
        suggestion: what the model thinks, where it is shown before.
        model_version: fingerprint of the weights that asked.
    """

    row: int
    until: float
    reason: str = ""
    base_seq: int = 0
    suggestion: Any = None
    model_version: str = ""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How rows are handed out.

    Args:
        suggest: ``never``, ``before`` or ``after`` the first choice.
        lease_s: how long a row is held for a window that is not heard of.
        held_out_share: share of the answers that measure rather than teach.
        most_leases: rows that one window may hold.
    """

    suggest: str = "never"
    lease_s: float = 300.0
    held_out_share: float = 0.1
    most_leases: int = 10
