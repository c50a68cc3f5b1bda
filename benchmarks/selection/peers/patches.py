"""What peers need to run today, put into place while they run: names that NumPy dropped, modules that are not there."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np


def old_numpy_names() -> None:
    """``np.Inf`` and ``np.float_``, which NumPy 2 dropped."""
    for name, now in (("Inf", np.inf), ("float_", np.float64)):
        if name not in vars(np):
            setattr(np, name, now)


def stub(name: str, **contents: Any) -> types.ModuleType:
    """A module of that name that holds ``contents`` and nothing else."""
    module = types.ModuleType(name)
    vars(module).update(contents)
    sys.modules[name] = module
    parent, _, own = name.rpartition(".")
    if parent in sys.modules:
        setattr(sys.modules[parent], own, module)
    return module


def package(name: str, folder: Path) -> None:
    """A package of that name over ``folder``, without running what its own ``__init__`` would import."""
    if not folder.is_dir():
        raise FileNotFoundError(f"the checkout has no folder {folder.name}")
    stub(name, __path__=[str(folder)])


def load(name: str) -> Any:
    """Import a module of a checkout, anew: what it was bound to before may be of another input."""
    sys.modules.pop(name, None)
    return importlib.import_module(name)


@contextmanager
def without_cuda() -> Iterator[None]:
    """Calls that move to a GPU do nothing."""
    import torch

    def stay(self: Any, *_: Any, **__: Any) -> Any:
        return self

    kept: list[tuple[Any, str, Callable[..., Any]]] = []
    for owner, name, instead in (
        (torch.Tensor, "cuda", stay),
        (torch.cuda, "current_device", lambda: 0),
        (torch.cuda, "empty_cache", lambda: None),
    ):
        kept.append((owner, name, getattr(owner, name)))
        setattr(owner, name, instead)
    try:
        yield
    finally:
        for owner, name, was in kept:
            setattr(owner, name, was)
