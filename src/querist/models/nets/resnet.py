"""A residual network for small images (he2016deep): ResNet-18 with a 3x3 stem and no pooling before the blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import nn

from querist.core.errors import UsageError
from querist.core.types import Float, Tensor
from querist.models.inputs import Encoder, ImageEncoder
from querist.models.nets.base import Net
from querist.training.recipe import Recipe


class Resnet(Net):
    """Four stages of residual blocks, each after the first halving the image; their mean over pixels; a linear layer.

    Args:
        channels: of the images.
        outputs: width of the answer.
        width: filters of the first stage; doubled by each following one. 16 is enough on a CPU, 16 times as fast.
        blocks: residual blocks of each stage.
        dropout: share of the embedding that is dropped; above 0 for posterior samples.

    Example:
        >>> Resnet(channels=3, outputs=10, width=8)(torch.zeros(2, 3, 32, 32)).shape
        torch.Size([2, 10])
    """

    modalities: ClassVar[tuple[str, ...]] = ("image",)
    found_in_inputs: ClassVar[tuple[str, ...]] = ("channels",)
    recipe: ClassVar[Recipe] = Recipe(
        steps=400, epochs=30, batch=64, lr=2e-3, weight_decay=0.05, shift=0.125, flip=None
    )

    def __init__(
        self,
        *,
        channels: int,
        outputs: int,
        width: int = 64,
        blocks: Sequence[int] = (2, 2, 2, 2),
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)]
        layers.append(nn.ReLU())
        ins = width
        for stage, count in enumerate(blocks):
            outs = width * 2**stage
            for block in range(count):
                layers.append(ResidualBlock(ins, outs, stride=2 if stage and not block else 1))
                ins = outs
        self.body = nn.Sequential(*layers)
        self.body.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.dropout = nn.Dropout(dropout)
        self.last = nn.Linear(ins, outputs)

    @classmethod
    def for_inputs(cls, encoder: Encoder, *, outputs: int, **options: Any) -> Resnet:
        if not isinstance(encoder, ImageEncoder):
            raise UsageError(f"a resnet cannot be built for {type(encoder).__name__}")
        return cls(channels=encoder.channels, outputs=outputs, **options)

    def forward(self, images: Float[Tensor, "b channels h w"]) -> Float[Tensor, "b c"]:
        maps = self.body(images.contiguous(memory_format=torch.channels_last))
        answer: Tensor = self.last(self.dropout(maps.mean((2, 3))))
        return answer


class ResidualBlock(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, ins: int, outs: int, *, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(ins, outs, 3, stride=stride, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(outs)
        self.second = nn.Conv2d(outs, outs, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(outs)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or ins != outs:
            self.shortcut = nn.Sequential(nn.Conv2d(ins, outs, 1, stride=stride, bias=False), nn.BatchNorm2d(outs))

    def forward(self, maps: Float[Tensor, "b ins h w"]) -> Float[Tensor, "b outs h2 w2"]:
        inner = self.first_norm(self.first(maps)).relu()
        return (self.second_norm(self.second(inner)) + self.shortcut(maps)).relu()
