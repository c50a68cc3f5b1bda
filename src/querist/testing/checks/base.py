"""How a check is found, run and counted."""

from __future__ import annotations

import contextlib
import inspect
import random
import tracemalloc
import warnings
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from querist.core.errors import Unproven

Check = Callable[[Any], None]


class CheckFailed(AssertionError):
    """A promise of the contract that a subject does not keep."""


def require(condition: bool, message: str) -> None:
    """Raise :class:`CheckFailed` unless the condition holds; unlike ``assert`` it also works under ``python -O``."""
    if not condition:
        raise CheckFailed(message)


def checks_of(module: ModuleType) -> dict[str, Check]:
    """The functions ``check_NAME`` of a module, as ``NAME``."""
    functions = inspect.getmembers(module, inspect.isfunction)
    return {name.removeprefix("check_"): f for name, f in functions if name.startswith("check_")}


def run_check(check: Check, subject: Any, *, name: str, known_gaps: Mapping[str, str] = MappingProxyType({})) -> None:
    """Run one check; if the subject declares it as a gap, it must fail.

    Raises:
        CheckFailed: the check fails, or a declared gap is none.
    """
    title = getattr(subject, "__name__", repr(subject))
    try:
        with warnings.catch_warnings():
            # A promise is kept or broken whether or not the answer is known to be the best there is.
            warnings.simplefilter("ignore", Unproven)
            check(subject)
    except Exception as error:
        if name in known_gaps:
            return
        raise CheckFailed(f"{title} does not keep {name}: {error}") from error
    require(name not in known_gaps, f"{title} declares the gap {name}, but the check passes: remove the declaration")


def raises(situations: type[Exception] | tuple[type[Exception], ...], call: Callable[[], Any], message: str) -> str:
    """The text of the error that ``call`` raises, which must be one of ``situations``."""
    try:
        call()
    except situations as error:
        return str(error)
    except Exception as error:
        raise CheckFailed(f"{message}, but it raises {type(error).__name__}: {error}") from error
    raise CheckFailed(f"{message}, but it raises nothing")


@contextlib.contextmanager
def global_generators_untouched() -> Iterator[None]:
    """The generators of torch, numpy and random must stand after the block where they stood before."""
    before = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    yield
    after = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    require(torch.equal(before[0], after[0]), "it moves torch's global generator")
    require(all(np.array_equal(x, y) for x, y in zip(before[1], after[1], strict=True)), "it moves numpy's generator")
    require(before[2] == after[2], "it moves the generator of random")


class LargestTensor(TorchFunctionMode):
    """Notes the size of the largest tensor that any call makes.

    Args:
        besides: a table whose views do not count, because it is mapped from a file.
    """

    def __init__(self, besides: torch.Tensor | None = None) -> None:
        super().__init__()
        self.numel = 0
        self._mapped = 0 if besides is None else besides.untyped_storage().data_ptr()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        answer = func(*args, **(kwargs or {}))
        for each in answer if isinstance(answer, tuple | list) else (answer,):
            if isinstance(each, torch.Tensor):
                # A view (expand, slice) takes no memory of its own: what counts is the storage behind it.
                storage = torch.Tensor.untyped_storage(each)
                if self._mapped and storage.data_ptr() == self._mapped:
                    continue
                self.numel = max(self.numel, storage.nbytes() // torch.Tensor.element_size(each))
        return answer


@contextlib.contextmanager
def no_table_of(numbers: int) -> Iterator[None]:
    """No tensor of more than ``numbers`` entries, and no numpy arrays of more together, may be made in the block."""
    tracemalloc.start()
    try:
        with LargestTensor() as largest:
            yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    require(largest.numel <= numbers, f"it makes a tensor of {largest.numel} numbers; {numbers} are in proportion")
    require(
        peak <= 8 * numbers, f"it takes {peak / 2**20:.0f} MB of arrays; {8 * numbers / 2**20:.0f} are in proportion"
    )
