"""A small convolutional network with dropout in its head, as deep as the images are large."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import nn

from querist.core.errors import UsageError
from querist.core.types import Float, Tensor
from querist.models.inputs import Encoder, ImageEncoder
from querist.models.nets.base import Net
from querist.training.recipe import Recipe


class Cnn(Net):
    """Blocks of convolution, batch norm and ReLU, each halving the image down to about 4 x 4, then two linear layers.

    Dropout stands in the head alone, so posterior samples repeat two small products and no convolution.

    Args:
        channels: of the images.
        height: of the images.
        width: of the images.
        outputs: width of the answer.
        filters: of the first block; they double with each block, up to four times as many.
        hidden: width of the embedding.
        dropout: share dropped before each linear layer.

    Example:
        >>> import torch
        >>> Cnn(channels=1, height=8, width=8, outputs=10)(torch.zeros(2, 1, 8, 8)).shape
        torch.Size([2, 10])
    """

    modalities: ClassVar[tuple[str, ...]] = ("image",)
    found_in_inputs: ClassVar[tuple[str, ...]] = ("channels", "height", "width")
    recipe: ClassVar[Recipe] = Recipe(steps=200, epochs=20, batch=32, lr=3e-3, shift=0.1)

    def __init__(
        self,
        *,
        channels: int,
        height: int,
        width: int,
        outputs: int,
        filters: int = 16,
        hidden: int = 128,
        dropout: float = 0.25,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        ins, outs = channels, filters
        while min(height, width) >= 8 or not layers:
            layers += [nn.Conv2d(ins, outs, 3, padding=1, bias=False), nn.BatchNorm2d(outs), nn.ReLU()]
            if min(height, width) >= 2:
                layers.append(nn.MaxPool2d(2))
                height, width = height // 2, width // 2
            ins, outs = outs, min(2 * outs, 4 * filters)
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.head = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(ins * height * width, hidden), nn.ReLU(), nn.Dropout(dropout)
        )
        self.last = nn.Linear(hidden, outputs)

    @classmethod
    def for_inputs(cls, encoder: Encoder, *, outputs: int, **options: Any) -> Cnn:
        if not isinstance(encoder, ImageEncoder):
            raise UsageError(f"a cnn cannot be built for {type(encoder).__name__}")
        height, width = encoder.shape
        return cls(channels=encoder.channels, height=height, width=width, outputs=outputs, **options)

    def forward(self, images: Float[Tensor, "b channels h w"]) -> Float[Tensor, "b c"]:
        answer: Tensor = self.last(self.head(self.body(images)))
        return answer
