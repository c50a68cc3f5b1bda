"""Models: adapters that train networks and answer views, and small ready networks. Loaded when asked for."""

from __future__ import annotations

import inspect
from dataclasses import fields, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from querist.core.errors import UnknownName, UsageError
from querist.core.registry import camel_case

if TYPE_CHECKING:
    from querist.models.base import Adapter
    from querist.pool.pool import Pool
    from querist.tasks.base import Task

_DEFAULTS = {"image": "cnn", "table": "mlp", "text": "text_cnn", "tokens": "bilstm"}
_PREFIXES = ("sklearn", "hf", "frozen")
"""``PREFIX:ARGUMENT`` names: the class is called after the prefix, in a file of that name."""
_PUBLIC = {
    "TorchModule": "torch_module",
    "Adapter": "base",
    "Sklearn": "sklearn",
    "Hf": "hf",
    "Frozen": "frozen",
    "Laplace": "laplace",
}


def default_model(pool: Pool, task: Task) -> str:
    """Name of the ready network that suits the pool.

    Raises:
        UsageError: there is none for its modality and task.
    """
    if pool.modality not in _DEFAULTS or (task.kind == "tokens") != (pool.modality == "tokens"):
        raise UsageError(f"no ready model reads {pool.modality} for {task.kind}", hint="give a TorchModule of your own")
    return _DEFAULTS[pool.modality]


def make_model(name: str, pool: Pool, task: Task, *, device: str = "auto", **options: Any) -> Adapter:
    """The adapter called ``name``, not yet prepared.

    Args:
        name: ``mlp``, ``cnn``, ``resnet``, ``text_cnn``, ``bilstm``, or ``sklearn:NAME``, ``hf:PATH``,
            ``frozen:PATH``.
        pool: its payloads decide the width of the network's inputs.
        task: decides the width of its output.
        device: where it trains and answers.
        options: of the network (``width=64``), of its recipe (``steps=500``) or of the adapter (``start="warm"``).

    Raises:
        UnknownName: no such model; the nearest name is suggested.
        UsageError: a model that does not read such a pool, or an option that nothing has.

    Example:
        >>> import numpy as np
        >>> from querist.pool.pool import Pool
        >>> from querist.tasks import make_task
        >>> pool = Pool.from_arrays(np.zeros((4, 3)), ["a", "b", "a", "b"])
        >>> make_model("mlp", pool, make_task("classification", ["a", "b"]), width=16, steps=50).recipe.steps
        50
    """
    prefix, colon, argument = name.partition(":")
    if colon and prefix in _PREFIXES:
        made = getattr(import_module(f"querist.models.{prefix}"), camel_case(prefix))
        _refuse_unknown(prefix, options, set(inspect.signature(made).parameters))
        adapter: Adapter = made(argument, device=device, **options)
        return adapter
    return _ready(name, pool, task, device=device, options=options)


def as_adapter(model: Any, pool: Pool, task: Task) -> Adapter:
    """What a person means by a model, as an adapter.

    Args:
        model: an adapter, a name, a torch module (or a function that makes one), a scikit-learn estimator, or
            ``None`` for the default of the data.
        pool: its modality decides the default.
        task: what is learned.
    """
    from querist.models.base import Adapter

    if model is None or isinstance(model, str):
        return make_model(model or default_model(pool, task), pool, task)
    if isinstance(model, Adapter):
        return model
    if hasattr(model, "get_params") and hasattr(model, "fit"):
        return cast("Adapter", import_module("querist.models.sklearn").Sklearn(model))
    if callable(model):
        return cast("Adapter", import_module("querist.models.torch_module").TorchModule(model))
    raise UsageError(f"{type(model).__name__} is no model", hint="give a torch module, an estimator or a name")


def _ready(name: str, pool: Pool, task: Task, *, device: str, options: dict[str, Any]) -> Adapter:
    """A :class:`TorchModule` around a ready network."""
    from querist.models.inputs import encoder_for
    from querist.models.nets import registry
    from querist.models.torch_module import TorchModule
    from querist.training.recipe import Recipe

    if name not in registry:
        raise UnknownName("model", name, [*registry, *(f"{prefix}:NAME" for prefix in _PREFIXES)])
    kind = registry[name]
    kind.refuse_modality(pool.modality)
    of_recipe = {field.name for field in fields(Recipe)}
    of_adapter = {"start", "features", "inference_batch", "cache_mb", "laplace"}
    of_net = set(inspect.signature(kind).parameters) - set(kind.found_in_inputs) - {"outputs"}
    _refuse_unknown(name, options, of_recipe | of_adapter | of_net)
    net_options = {key: value for key, value in options.items() if key in of_net}
    encoder = encoder_for(pool, trim=True)
    encoder.learn(pool)
    return TorchModule(
        lambda: kind.for_inputs(encoder, outputs=task.outputs, **net_options),
        recipe=replace(kind.recipe, **{key: value for key, value in options.items() if key in of_recipe}),
        encoder=encoder,
        device=device,
        **{key: value for key, value in options.items() if key in of_adapter},
    )


def _refuse_unknown(name: str, options: dict[str, Any], known: set[str]) -> None:
    for option in options:
        if option not in known:
            raise UnknownName(f"option of the model {name}", option, known)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(f"querist.models.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*_PUBLIC, "as_adapter", "default_model", "make_model"])
