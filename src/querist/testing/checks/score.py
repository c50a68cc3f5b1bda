"""What every score promises. What a score is given follows from the names of its parameters."""

from __future__ import annotations

import importlib
import inspect
import math
from collections.abc import Callable
from typing import Any

import torch

from querist.core.rng import generator
from querist.core.types import Tensor
from querist.testing.checks.base import global_generators_untouched, raises, require
from querist.testing.naive import scores as naive

Score = Callable[..., Tensor]


def _inputs(score: Score, *, axes: tuple[int, ...] = (6,), dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """Random arguments with zeros among the probabilities; the optional ones are left out."""
    rng = generator(0, "score")

    def distributions(*shape: int) -> Tensor:
        probs = (3 * torch.randn(*shape, generator=rng, dtype=dtype)).softmax(-1)
        probs = probs.masked_fill(probs < 0.05, 0)
        return probs / probs.sum(-1, keepdim=True)

    makers = {
        "probs": lambda: distributions(*axes, 4),
        "logits": lambda: torch.randn(*axes, 4, generator=rng, dtype=dtype),
        "prob_samples": lambda: distributions(7, *axes, 4),
        "prediction_samples": lambda: torch.randn(7, *axes, generator=rng, dtype=dtype),
        "target_samples": lambda: distributions(7, 5, 4),  # the same for all rows
        "embeddings": lambda: torch.randn(*axes, 3, generator=rng, dtype=dtype),
        "points": lambda: torch.randn(math.prod(axes), 3, generator=rng, dtype=dtype),
    }
    wanted = [p.name for p in inspect.signature(score).parameters.values() if p.default is p.empty]
    unknown = [name for name in wanted if name not in makers]
    require(not unknown, f"arguments that the checks do not know: {unknown} (known: {', '.join(makers)})")
    return {name: makers[name]() for name in wanted}


def _of_row(name: str, argument: Tensor, *pos: int) -> Tensor:
    """An argument for one row alone."""
    if name == "target_samples":
        return argument
    for place in pos:
        argument = argument[:, place] if "samples" in name else argument[place]
    return argument


def check_leading_axes_pass_through(score: Score) -> None:
    """A table of tables is scored as its rows are one by one."""
    arguments = _inputs(score, axes=(2, 3))
    if "points" in arguments:
        return  # it looks at all rows together
    whole = score(**arguments)
    require(tuple(whole.shape) == (2, 3), f"axes (2, 3) became {tuple(whole.shape)}")
    for i in range(2):
        for j in range(3):
            one = {name: _of_row(name, x, i, j) for name, x in arguments.items()}
            require(bool(torch.isclose(score(**one), whole[i, j], atol=1e-6)), f"row {i}, {j} differs when alone")


def check_finite_at_the_edges(score: Score) -> None:
    """Certain answers, impossible classes, zero vectors and a single sample give finite numbers."""
    arguments = _inputs(score)
    for name, value in arguments.items():
        edge = torch.zeros_like(value)
        if name.startswith(("prob", "target")):
            edge[..., 0] = 1
        require(bool(torch.isfinite(score(**{**arguments, name: edge})).all()), f"not finite for an edge in {name}")
    single = {name: x[:1] if "samples" in name else x for name, x in arguments.items()}
    require(bool(torch.isfinite(score(**single)).all()), "not finite for one sample")
    tiny = {name: x * 1e-30 if name in ("embeddings", "points") else x for name, x in arguments.items()}
    require(bool(torch.isfinite(score(**tiny)).all()), "not finite for tiny vectors")


def check_higher_means_ask_first(score: Score) -> None:
    """Doubt scores above certainty, contradiction above agreement, a crowd above a loner."""
    doubt = {
        "logits": torch.tensor([[4.0, 0.5, -1.0], [0.4, 0.3, -1.0]]),
        "probs": torch.tensor([[0.97, 0.01, 0.02], [0.4, 0.35, 0.25]]),
        "prob_samples": torch.tensor([[[0.9, 0.05, 0.05], [0.9, 0.05, 0.05]], [[0.9, 0.05, 0.05], [0.05, 0.9, 0.05]]]),
        "prediction_samples": torch.tensor([[1.0, 1.0], [1.1, 5.0]]),
        "target_samples": torch.tensor([[[0.9, 0.05, 0.05]], [[0.05, 0.9, 0.05]]]),
        "embeddings": torch.ones(2, 3),
        "points": torch.tensor([[-1.0, 0.1], [1.0, 0.1], [1.0, 0.0], [1.0, -0.1]]),
    }
    answer = score(**{name: doubt[name] for name in _inputs(score)})
    require(bool(answer[1] > answer[0]), f"the row to ask first scores {answer[1]:.3f}, the other {answer[0]:.3f}")


def check_changes_nothing(score: Score) -> None:
    """Arguments, type of numbers and global generators are left as they are."""
    for dtype in (torch.float32, torch.float64):
        arguments = _inputs(score, dtype=dtype)
        copies = {name: x.clone() for name, x in arguments.items()}
        with global_generators_untouched():
            answer = score(**arguments)
        require(all(torch.equal(arguments[name], x) for name, x in copies.items()), "it writes into its arguments")
        require(answer.dtype == dtype, f"{dtype} became {answer.dtype}")


def check_equals_twin(score: Score) -> None:
    """It gives what its naive twin gives."""
    twin: Any = getattr(naive, score.__name__, None)
    if twin is None:
        require(not score.__module__.startswith("querist."), "it has no twin in querist.testing.naive.scores")
        return
    arguments = _inputs(score, dtype=torch.float64)
    if "points" in arguments:
        expected = twin(*(x.tolist() for x in arguments.values()))
    else:
        expected = [twin(*(_of_row(name, x, pos).tolist() for name, x in arguments.items())) for pos in range(6)]
    off = float((score(**arguments) - torch.tensor(expected, dtype=torch.float64)).abs().max())
    require(off < 1e-9, f"it is {off:.2g} away from its twin")


def check_is_named_after_its_file(score: Score) -> None:
    """``entropy`` stands in ``entropy.py`` and is found as ``querist.scores.entropy``."""
    module = importlib.import_module(score.__module__)
    require(score.__module__.rpartition(".")[2] == score.__name__, f"{score.__name__} stands in {module.__file__}")
    raises(TypeError, lambda: score(), "it must need an argument")
