"""What one look at a network tells: which layer reads the embeddings, whether dropout is reached, memory a row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from querist.core.errors import UsageError, ViewMissing
from querist.core.types import Tensor
from querist.models.dropout import stochastic
from querist.tasks.base import Task


@dataclass(frozen=True, kw_only=True)
class Anatomy:
    """Facts about a network, found by running it on two rows.

    Args:
        last_layer: name of the layer whose input are the embeddings; ``None`` if none was found.
        row_bytes: memory that the layers' answers take together, a row.
        dropout: whether dropout is reached on the way to the output.
        ends_linear: whether the output is what that layer, a linear one, makes by its weights of what it reads; up to
            a number a unit, which a softmax does not see. Then the layer is a ``Head``, and can be drawn by Laplace.
        continuous: whether the network reads one tensor of real numbers, which can be changed a little.
        fixed: whether the embeddings are the same whatever is trained: all weights that learn are that layer's.
    """

    last_layer: str | None
    row_bytes: int
    dropout: bool
    ends_linear: bool
    continuous: bool
    fixed: bool


def examine(module: nn.Module, inputs: tuple[Tensor, ...], task: Task, *, features: str | None) -> Anatomy:
    """Run ``module`` on a few rows and look.

    Args:
        module: in evaluation mode.
        inputs: its arguments, for a few rows.
        task: how wide the output must be.
        features: name of the last layer, if the caller knows better.

    Raises:
        UsageError: the network cannot read these inputs, its output has another width than the task, or ``features``
            names no layer.
    """
    names = dict(module.named_modules())
    if features is not None and features not in names:
        linear = [name for name, part in names.items() if isinstance(part, nn.Linear)]
        raise UsageError(f"the network has no layer {features!r}", hint=f"its linear layers: {', '.join(linear)}")
    b = len(inputs[0])
    called: list[str] = []
    total = 0

    def look(name: str) -> Any:
        def hook(_part: nn.Module, _inputs: Any, output: Any) -> None:
            nonlocal total
            called.append(name)
            total += (
                sum(tensor.nbytes for tensor in output if isinstance(tensor, Tensor))
                if isinstance(output, tuple)
                else getattr(output, "nbytes", 0)
            )

        return hook

    hooks = [part.register_forward_hook(look(name)) for name, part in names.items() if not list(part.children())]
    shapes = ", ".join(str(list(tensor.shape)) for tensor in inputs)
    kind = type(module).__name__
    try:
        with torch.no_grad(), slow_attention():
            output = module(*inputs)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UsageError(
            f"{kind} cannot read inputs of the shape {shapes}: {reason}",
            hint="encoder=None hands payloads over as they are",
        ) from None
    finally:
        for hook in hooks:
            hook.remove()
    axes = 3 if task.kind == "tokens" else 2
    if (
        not isinstance(output, Tensor)
        or output.ndim != axes
        or output.shape[0] != b
        or output.shape[-1] != task.outputs
    ):
        found = str(list(output.shape)) if isinstance(output, Tensor) else type(output).__name__
        wanted = [b, inputs[0].shape[1], task.outputs] if axes == 3 else [b, task.outputs]
        raise UsageError(
            f"{kind} gives {found} for inputs of the shape {shapes}; {task.kind} needs {wanted}",
            hint=f"its last layer must have {task.outputs} outputs",
        )
    linear = [name for name in called if isinstance(names[name], nn.Linear)]
    found_by_itself = linear[-1] if linear and names[linear[-1]].out_features == task.outputs else None
    last_layer = found_by_itself if features is None else features
    return Anatomy(
        last_layer=last_layer,
        row_bytes=max(1, total // b),
        dropout=any(stochastic(names[name]) for name in called),
        ends_linear=last_layer in called and _ends_linear(module, inputs, task, last_layer),
        continuous=len(inputs) == 1 and inputs[0].is_floating_point(),
        fixed=last_layer is not None and _learns_alone(module, last_layer),
    )


def _learns_alone(module: nn.Module, last_layer: str) -> bool:
    """Whether no other layer has weights that learn."""
    own = {id(weight) for weight in module.get_submodule(last_layer).parameters()}
    return all(id(weight) in own for weight in module.parameters() if weight.requires_grad)


def _ends_linear(module: nn.Module, inputs: tuple[Tensor, ...], task: Task, last_layer: str) -> bool:
    """Whether the network's output follows from what its last layer reads, by that layer's weights alone."""
    layer = module.get_submodule(last_layer)
    if not isinstance(layer, nn.Linear):
        return False
    with torch.no_grad(), slow_attention(), FeatureTap(module=module, last_layer=last_layer) as tap:
        output = module(*inputs)
    assert tap.seen is not None
    rebuilt = nn.functional.linear(tap.seen, layer.weight, layer.bias)
    if rebuilt.shape != output.shape:
        return False
    beside = output - rebuilt
    if task.kind in ("classification", "tokens"):
        beside = beside - beside.mean(-1, keepdim=True)
    return bool((beside.abs() <= 1e-4 * (1 + rebuilt.abs())).all())


@contextmanager
def slow_attention() -> Iterator[None]:
    """Transformer layers as modules that can be watched: their fused kernel skips the dropout and the hooks inside."""
    was = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(was)


@dataclass(kw_only=True)
class FeatureTap:
    """Keeps what the last layer reads, while it is open.

    Args:
        module: the network.
        last_layer: name of the layer; ``None`` where none was found.
    """

    module: nn.Module
    last_layer: str | None
    seen: Tensor | None = field(default=None, init=False)
    _hook: Any = field(default=None, init=False)

    def __enter__(self) -> FeatureTap:
        if self.last_layer is None:
            linear = [name for name, part in self.module.named_modules() if isinstance(part, nn.Linear)]
            raise ViewMissing(
                f"no linear layer of {type(self.module).__name__} gives its output, so its embeddings are unknown",
                hint="name the layer that reads them with features='...'"
                + (f"; linear layers: {', '.join(linear)}" if linear else ""),
            )
        layer = self.module.get_submodule(self.last_layer)

        def keep(_part: nn.Module, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
            self.seen = next(x for x in (*arguments, *keywords.values()) if isinstance(x, Tensor))

        self._hook = layer.register_forward_pre_hook(keep, with_kwargs=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._hook.remove()

    def pooled(self, counts: Tensor | None) -> Tensor:
        """One vector a row ``[b d]``: what was seen, its mean over true tokens, or over any inner axes.

        Args:
            counts: tokens of each row, for networks that answer tokens.
        """
        seen = self.seen
        if seen is None:
            raise ViewMissing(f"the layer {self.last_layer!r} was not reached", hint="name another one with features=")
        if seen.ndim == 2:
            return seen
        if counts is None:
            return seen.flatten(1, -2).mean(1)
        real = torch.arange(seen.shape[1], device=seen.device) < counts.to(seen.device)[:, None]
        return (seen * real[:, :, None]).sum(1) / real.sum(1, keepdim=True).clamp(min=1)
