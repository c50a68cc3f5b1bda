"""Querist decides which samples are worth a label.

Three doors, each complete without the next:

1. functions on arrays: ``querist.selectors.k_center(embeddings, k=100, labelled=known)``
2. strategies on tensors of your own model: ``querist.strategies.Badge()(snapshot, k=20, seed=0)``
3. the loop around a model: ``querist.Session``, or the command ``querist run``

Names are imported when first used, so ``import querist`` loads no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from querist import models, scores, selectors, strategies, streams, tasks, views
    from querist.core.errors import QueristError
    from querist.loop.session import Session
    from querist.loop.stream import Stream
    from querist.models.torch_module import TorchModule
    from querist.pool.pool import Pool
    from querist.pool.sources import open_pool as open  # noqa: A004
    from querist.storage.arrays import open_array
    from querist.tasks.classification import Classification
    from querist.tasks.multilabel import Multilabel
    from querist.tasks.regression import Regression
    from querist.tasks.tokens import Tokens
    from querist.views.snapshot import Snapshot

__version__ = "0.1.0.dev0"

_HOMES = {
    "Classification": "querist.tasks.classification",
    "Multilabel": "querist.tasks.multilabel",
    "Pool": "querist.pool.pool",
    "QueristError": "querist.core.errors",
    "Regression": "querist.tasks.regression",
    "Session": "querist.loop.session",
    "Snapshot": "querist.views.snapshot",
    "Stream": "querist.loop.stream",
    "Tokens": "querist.tasks.tokens",
    "TorchModule": "querist.models.torch_module",
    "open": "querist.pool.sources:open_pool",
    "open_array": "querist.storage.arrays",
}
_ROOMS = ("models", "scores", "selectors", "strategies", "streams", "tasks", "views")

__all__ = [
    "Classification",
    "Multilabel",
    "Pool",
    "QueristError",
    "Regression",
    "Session",
    "Snapshot",
    "Stream",
    "Tokens",
    "TorchModule",
    "models",
    "open",
    "open_array",
    "scores",
    "selectors",
    "strategies",
    "streams",
    "tasks",
    "views",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"querist.{name}")
    if name in _HOMES:
        module, _, attribute = _HOMES[name].partition(":")
        return getattr(importlib.import_module(module), attribute or name)
    raise AttributeError(f"module 'querist' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
