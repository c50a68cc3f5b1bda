"""Discovery x checks: every ready net on every sort of pool that it reads, and every adapter class, keeps the contract.

Trainings are short and networks narrow: the toys are easy.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import querist.models
from querist.models import make_model
from querist.models.base import Adapter
from querist.models.frozen import Frozen
from querist.models.hf import Hf
from querist.models.nets import registry as nets
from querist.models.sklearn import Sklearn
from querist.models.torch_module import TorchModule
from querist.pool.pool import Pool
from querist.tasks import registry as tasks
from querist.tasks.base import Task
from querist.testing.checks import checks_for, run_check
from querist.testing.model_case import ModelCase
from querist.testing.toy_pools import kinds_of
from querist.training.recipe import Recipe

NARROW = {"width": 8, "hidden": 16, "filters": 8, "dimensions": 16, "blocks": (1, 1), "character_filters": 4}
SHORT = Recipe(steps=20, epochs=1, batch=8, lr=0.02)


def _ready(name: str, pool: Pool, task: Task) -> Adapter:
    given = set(inspect.signature(nets[name]).parameters) - set(nets[name].found_in_inputs)
    options = {key: value for key, value in NARROW.items() if key in given}
    return make_model(name, pool, task, device="cpu", steps=16, epochs=1, batch=8, lr=0.02, **options)


def _torch_module(pool: Pool, task: Task, **options: Any) -> Adapter:
    def net() -> nn.Module:
        return nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Dropout(0.2), nn.Linear(16, task.outputs))

    return TorchModule(net, recipe=SHORT, device="cpu", **options)


def _sklearn(pool: Pool, task: Task) -> Adapter:
    kind = "Regressor" if task.kind == "regression" else "Classifier"
    return Sklearn(f"ExtraTree{kind}", dimensions=8)


def _linear(pool: Pool, task: Task) -> Adapter:
    return Sklearn("LinearRegression" if task.kind == "regression" else "LogisticRegression", dimensions=8)


def _frozen(pool: Pool, task: Task) -> Adapter:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = nn.Linear(5, 8)
    return Frozen(encoder, cache=_temporary("embeddings"), device="cpu", recipe=replace(SHORT, lr=0.1))


def _hf(pool: Pool, task: Task) -> Adapter:
    return Hf(_tiny_bert(), longest=16, recipe=replace(SHORT, steps=12), device="cpu")


@functools.cache
def _temporary(name: str) -> Path:
    return Path(tempfile.mkdtemp(prefix=f"querist-{name}-"))


@functools.cache
def _tiny_bert() -> Path:
    """A one-layer BERT that knows the words of the toys."""
    from transformers import BertConfig, BertModel, BertTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the"]
    words += ["rain", "wind", "cloud", "oslo", "lima", "york", "ada", "alan", "grace"]
    config = BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertModel(config)
    folder = _temporary("bert")
    model.save_pretrained(folder)
    BertTokenizer(vocab={word: pos for pos, word in enumerate(words)}).save_pretrained(folder)
    return folder


MAKERS: dict[str, list[tuple[str, Callable[[Pool, Task], Adapter], str, tuple[str, ...]]]] = {
    "TorchModule": [
        ("torch_module", _torch_module, "table", kinds_of("table")),
        ("torch_module:warm", functools.partial(_torch_module, start="warm"), "table", ("classification",)),
    ],
    "Sklearn": [
        ("sklearn", _sklearn, "table", kinds_of("table")),
        ("sklearn", _sklearn, "text", ("classification",)),
        ("sklearn:linear", _linear, "table", kinds_of("table")),
        ("sklearn:linear", _linear, "text", ("classification",)),
    ],
    "Frozen": [("frozen", _frozen, "table", ("classification", "regression"))],
    "Hf": [("hf", _hf, "text", ("classification",)), ("hf", _hf, "tokens", ("tokens",))],
}
"""How to make one of each adapter class. A class that the folder holds and this does not is a failure."""


def cases() -> Iterator[ModelCase]:
    for name in nets:
        for modality in nets[name].modalities:
            # A net sees of the kind only how many outputs it has; TorchModule itself is tried on all kinds.
            kind = kinds_of(modality)[0]
            make = functools.partial(_ready, name)
            yield ModelCase(name=f"{name}-{modality}-{kind}", make=make, modality=modality, kind=kind)
    for makers in MAKERS.values():
        for name, own, modality, kinds in makers:
            for kind in kinds:
                yield ModelCase(name=f"{name}-{modality}-{kind}", make=own, modality=modality, kind=kind)


CASES = list(cases())
CHECKS = checks_for("adapter")


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("case", CASES, ids=repr)
def test_keeps_contract(case: ModelCase, check: str) -> None:
    run_check(CHECKS[check], case, name=check)


def test_every_adapter_class_has_a_case() -> None:
    found = set()
    for info in pkgutil.iter_modules(querist.models.__path__):
        module = importlib.import_module(f"querist.models.{info.name}")
        for name, held in inspect.getmembers(module, inspect.isclass):
            if issubclass(held, Adapter) and held.__module__ == module.__name__ and not inspect.isabstract(held):
                found.add(name)
    assert found == set(MAKERS)


def test_collected_enough() -> None:
    """Discovery that finds too little would pass everything."""
    assert {case.kind for case in CASES} == set(tasks)
    assert len(nets) >= 5
    assert len(CASES) >= 21
    assert len(CHECKS) >= 20
    assert len({case.name for case in CASES}) == len(CASES)
