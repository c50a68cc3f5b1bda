"""What a ready network says beside its layers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from torch import nn

from querist.core.errors import UsageError
from querist.models.inputs import Encoder
from querist.training.recipe import Recipe


class Net(nn.Module, ABC):
    """A network that can be built from what an encoder has learned."""

    modalities: ClassVar[tuple[str, ...]]
    """Kinds of pool it reads."""
    recipe: ClassVar[Recipe]
    """How it trains well."""
    found_in_inputs: ClassVar[tuple[str, ...]]
    """Constructor arguments that the inputs decide; the others are options."""

    @classmethod
    @abstractmethod
    def for_inputs(cls, encoder: Encoder, *, outputs: int, **options: Any) -> Net:
        """A network that reads what ``encoder`` presents and answers ``outputs`` numbers a row (or a token)."""

    @classmethod
    def refuse_modality(cls, modality: str) -> None:
        """Raise :class:`UsageError` where this network does not read such a pool."""
        if modality not in cls.modalities:
            raise UsageError(
                f"the model {cls.__name__} reads {' or '.join(cls.modalities)}, the pool holds {modality}",
                hint="choose another model, or none to take the one that suits the pool",
            )
