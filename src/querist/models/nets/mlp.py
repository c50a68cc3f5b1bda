"""A multi-layer perceptron: for tables, and for images as flat vectors."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import nn

from querist.core.errors import UsageError
from querist.core.types import Float, Tensor
from querist.models.inputs import Encoder, ImageEncoder, TableEncoder
from querist.models.nets.base import Net
from querist.training.recipe import Recipe


class Mlp(Net):
    """Linear layers with ReLU and dropout between them.

    Args:
        inputs: width of a row.
        outputs: width of the answer.
        width: of the hidden layers; the last of them is the embedding.
        depth: hidden layers.
        dropout: share of each hidden layer that is dropped.

    Example:
        >>> import torch
        >>> Mlp(inputs=8, outputs=3)(torch.zeros(2, 8)).shape
        torch.Size([2, 3])
    """

    modalities: ClassVar[tuple[str, ...]] = ("table", "image")
    found_in_inputs: ClassVar[tuple[str, ...]] = ("inputs",)
    recipe: ClassVar[Recipe] = Recipe(steps=300, epochs=40, batch=32, lr=5e-3)

    def __init__(self, *, inputs: int, outputs: int, width: int = 128, depth: int = 2, dropout: float = 0.1) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        for layer in range(depth):
            layers += [nn.Linear(width if layer else inputs, width), nn.ReLU(), nn.Dropout(dropout)]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(width if depth else inputs, outputs)

    @classmethod
    def for_inputs(cls, encoder: Encoder, *, outputs: int, **options: Any) -> Mlp:
        if isinstance(encoder, ImageEncoder):
            height, width = encoder.shape
            return cls(inputs=encoder.channels * height * width, outputs=outputs, **options)
        if isinstance(encoder, TableEncoder):
            return cls(inputs=encoder.width, outputs=outputs, **options)
        raise UsageError(f"an mlp cannot be built for {type(encoder).__name__}")

    def forward(self, inputs: Float[Tensor, "b ..."]) -> Float[Tensor, "b c"]:
        answer: Tensor = self.head(self.body(inputs))
        return answer
