"""What the checks of adapters are run on: a recipe, and the toy pool that it is tried on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from querist.models.base import Adapter
from querist.pool.pool import Pool
from querist.tasks.base import Task
from querist.testing.toy_pools import ToyPool, toy_pool

LABELLED = np.arange(15)
"""Rows of the toy that are trained on."""
MEMBERS = 2
"""Networks of an ensemble."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelCase:
    """A model and what it is tried on.

    Args:
        name: for messages and test ids.
        make: the adapter for a pool and a task, not yet prepared. A few dozen training steps are enough: the toys
            are easy, and every check trains anew.
        modality: of the toy pool.
        kind: of its task.
    """

    name: str
    make: Callable[[Pool, Task], Adapter]
    modality: str
    kind: str

    def __repr__(self) -> str:
        return self.name

    def toy(self) -> ToyPool:
        """A new toy pool."""
        return toy_pool(self.modality, self.kind)

    def prepared(self, toy: ToyPool) -> Adapter:
        """A new adapter that knows the toy."""
        adapter = self.make(toy.pool, toy.task)
        adapter.prepare(toy.pool, toy.task)
        return adapter

    @cached_property
    def asked(self) -> tuple[Adapter, ToyPool]:
        """A small trained ensemble, for checks that only ask."""
        toy = self.toy()
        adapter = self.prepared(toy)
        adapter.fit(toy.pool, LABELLED, toy.told(LABELLED), seed=1, members=MEMBERS)
        return adapter, toy
