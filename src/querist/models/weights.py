"""Where a network's weights come from, what they are called, and how they are kept on disk."""

from __future__ import annotations

import copy
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from querist.core.errors import DataError, NotDurable, UsageError

Start = Literal["scratch", "initial", "warm"]
STARTS = ("scratch", "initial", "warm")
_WEIGHTS, _FACTS = "weights.safetensors", "adapter.json"


class Source:
    """Makes the network that a training starts from.

    Args:
        net: a module, or a function without arguments that makes one.
        start: ``scratch``: a factory is called again under the training's seed; a module is copied and every part
            of it that has ``reset_parameters`` is drawn again under that seed (parameters that a module owns
            directly, outside such parts, keep the values they were given). ``initial``: the weights that were
            given, each time. ``warm``: as for the other two at first, afterwards the last round's weights.
            Default: ``scratch`` for a factory, ``initial`` for a module, whose weights may be pretrained.
    """

    def __init__(self, net: nn.Module | Callable[[], nn.Module], *, start: Start | None) -> None:
        if not callable(net):
            raise UsageError(f"{net!r} is no torch module and no function that makes one")
        if start is not None and start not in STARTS:
            raise UsageError(f"start is {start!r}", hint=f"choose one of {', '.join(STARTS)}")
        self._net = net
        self.start: Start = start or ("initial" if isinstance(net, nn.Module) else "scratch")
        # Kept apart from the caller's module, which may be trained elsewhere meanwhile.
        self._pristine = copy.deepcopy(net) if isinstance(net, nn.Module) else None

    def made(self, seed: int) -> nn.Module:
        """A network to start from."""
        with torch.random.fork_rng(devices=[]):
            torch.random.manual_seed(seed)
            if self._pristine is None:
                module = self._net()
                if not isinstance(module, nn.Module):
                    raise UsageError(f"the factory gave a {type(module).__name__}, which is no torch module")
                return module
            module = copy.deepcopy(self._pristine)
            if self.start == "scratch":
                for part in module.modules():
                    # Lazily built parts have nothing to draw yet.
                    if not is_lazy(part) and callable(getattr(part, "reset_parameters", None)):
                        part.reset_parameters()  # type: ignore[operator]
            return module


def is_lazy(module: nn.Module) -> bool:
    """Whether parts of a network take their shape from the first inputs they see."""
    return any(map(nn.parameter.is_lazy, (*module.parameters(), *module.buffers())))


def fingerprint(modules: Sequence[nn.Module], extra: Any = None) -> str:
    """A short hash of all weights and buffers: changes whenever one of them does."""
    digest = hashlib.blake2b(json.dumps(extra, sort_keys=True).encode(), digest_size=8)
    for module in modules:
        for name, tensor in module.state_dict().items():
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def save(folder: Path, modules: Sequence[nn.Module], facts: dict[str, Any]) -> None:
    """Weights as safetensors, everything else as JSON. A reader never sees half a file.

    Raises:
        NotDurable: full disk, or a folder that cannot be written.
    """
    # Copies, because safetensors refuses tensors that share memory (tied weights).
    tensors = {
        f"{member}.{name}": tensor.detach().cpu().contiguous().clone()
        for member, module in enumerate(modules)
        for name, tensor in module.state_dict().items()
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save_file(tensors, folder / f"{_WEIGHTS}.part")
        os.replace(folder / f"{_WEIGHTS}.part", folder / _WEIGHTS)
        (folder / f"{_FACTS}.part").write_text(json.dumps(facts), encoding="utf-8")
        os.replace(folder / f"{_FACTS}.part", folder / _FACTS)
    except (OSError, SafetensorError) as error:
        for name in (_WEIGHTS, _FACTS):
            (folder / f"{name}.part").unlink(missing_ok=True)
        raise NotDurable(
            f"the weights in {folder} cannot be written: {error}", hint="make room, then repeat"
        ) from error


def read_facts(folder: Path) -> dict[str, Any]:
    """What :func:`save` wrote beside the weights.

    Raises:
        DataError: there is nothing, or it is damaged.
    """
    try:
        facts: dict[str, Any] = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
    except OSError:
        raise DataError(f"there is no saved model in {folder}") from None
    except ValueError:
        raise DataError(f"{folder / _FACTS} is damaged", hint="train again") from None
    return facts


def load_into(folder: Path, modules: Sequence[nn.Module]) -> None:
    """Weights that :func:`save` wrote, into networks of the same shape.

    Raises:
        DataError: nothing there, damaged, or weights of another shape.
    """
    try:
        tensors = load_file(folder / _WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise DataError(f"cannot read the weights in {folder}: {error}") from None
    for member, module in enumerate(modules):
        prefix = f"{member}."
        own = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        try:
            module.load_state_dict(own)
        except RuntimeError as error:
            reason = str(error).splitlines()[-1].strip()
            raise DataError(f"the weights in {folder} are of another network: {reason}") from None
