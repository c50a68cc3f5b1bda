"""Who takes part in what: Querist, plain references of our own, and peers.

A participant is a function from :class:`~benchmarks.selection.work.Work` to the call that is timed. It imports what it
needs and converts the arrays to what its side wants before it returns, so neither is timed. Where a peer must make
something large from the inputs as part of its method (gradients written out, a kernel), that happens inside the call.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.selection.work import Work

Select = Callable[[], Any]
"""What is timed: no arguments, positions out."""

ROLES = ("querist", "reference", "peer")
_ROOMS = (
    "ours",
    "references",
    "rehearsal",
    "peers.acs_repository",
    "peers.apricot_select",
    "peers.baal_heuristics",
    "peers.badge_repository",
    "peers.batchbald",
    "peers.bmdal",
    "peers.distil_strategies",
    "peers.google_repository",
    "peers.modal_batch",
    "peers.pyrelational_scores",
    "peers.scikit_activeml",
    "peers.scikit_learn",
    "peers.small_text_strategies",
    "peers.submodlib_functions",
    "peers.typiclust_repository",
)


@dataclass(frozen=True, kw_only=True)
class Participant:
    """One side of a comparison.

    Args:
        method: what it does.
        name: unique within the method.
        role: ``querist``, ``reference`` (ours, plain) or ``peer``.
        prepare: from the work to the call that is timed.
        module: what must be importable.
        checkout: what must be given with ``--checkout``.
        note: what a reader of its row must know.
        wrong: why its answers are no yardstick; it is never the fastest peer then.
    """

    method: str
    name: str
    role: str
    prepare: Callable[[Work], Select]
    module: str = ""
    checkout: str = ""
    note: str = ""
    wrong: str = ""

    def absent(self, checkouts: dict[str, str]) -> str:
        """Why it cannot take part on this machine; empty if it can."""
        if self.checkout and self.checkout not in checkouts:
            return f"needs --checkout {self.checkout}=FOLDER"
        if self.module and importlib.util.find_spec(self.module) is None:
            return f"{self.module} is not installed"
        return ""


@dataclass
class _Registry:
    found: dict[str, list[Participant]] = field(default_factory=dict)
    loaded: bool = False


_registry = _Registry()


def takes_part(
    method: str,
    name: str,
    *,
    role: str = "peer",
    module: str = "",
    checkout: str = "",
    note: str = "",
    wrong: str = "",
) -> Callable[[Callable[[Work], Select]], Callable[[Work], Select]]:
    """Register the function below as a participant."""

    def register(prepare: Callable[[Work], Select]) -> Callable[[Work], Select]:
        _registry.found.setdefault(method, []).append(
            Participant(
                method=method,
                name=name,
                role=role,
                prepare=prepare,
                module=module,
                checkout=checkout,
                note=note,
                wrong=wrong,
            )
        )
        return prepare

    return register


def participants(method: str) -> list[Participant]:
    """All that do ``method``: Querist, then references, then peers."""
    if not _registry.loaded:
        _registry.loaded = True
        for room in _ROOMS:
            importlib.import_module(f"benchmarks.selection.{room}")
    return sorted(_registry.found.get(method, []), key=lambda one: (ROLES.index(one.role), one.name))


def participant(method: str, name: str) -> Participant:
    """The one of that name."""
    (found,) = (one for one in participants(method) if one.name == name)
    return found
