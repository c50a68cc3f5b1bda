"""A convolutional network over words (kim2014convolutional), with word vectors trained from scratch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import nn

from querist.core.errors import UsageError
from querist.core.types import Float, Int, Tensor
from querist.models.inputs import Encoder
from querist.models.nets.base import Net
from querist.models.text_inputs import PADDING, TextEncoder
from querist.training.recipe import Recipe


class TextCnn(Net):
    """Filters over windows of words, the strongest answer of each over the text, dropout, a linear layer.

    Answers do not depend on padding: it has no vector, and windows that hold nothing else are not looked at.

    Args:
        vocabulary: word ids, padding (0) included.
        outputs: width of the answer.
        dimensions: of a word vector.
        windows: words that filters span.
        filters: a window.
        dropout: share of the pooled answers that is dropped.

    Example:
        >>> net = TextCnn(vocabulary=50, outputs=4).eval()
        >>> a, b = net(torch.tensor([[5, 7, 9]])), net(torch.tensor([[5, 7, 9, 0, 0]]))
        >>> a.shape, bool(torch.allclose(a, b, atol=1e-6))
        (torch.Size([1, 4]), True)
    """

    modalities: ClassVar[tuple[str, ...]] = ("text",)
    found_in_inputs: ClassVar[tuple[str, ...]] = ("vocabulary",)
    recipe: ClassVar[Recipe] = Recipe(steps=200, epochs=8, batch=32, lr=5e-3)

    def __init__(
        self,
        *,
        vocabulary: int,
        outputs: int,
        dimensions: int = 64,
        windows: Sequence[int] = (3, 4, 5),
        filters: int = 64,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.words = word_vectors(vocabulary, dimensions)
        self.filters = nn.ModuleList(nn.Conv1d(dimensions, filters, window, padding=window - 1) for window in windows)
        self.windows = tuple(windows)
        self.dropout = nn.Dropout(dropout)
        self.last = nn.Linear(filters * len(windows), outputs)

    @classmethod
    def for_inputs(cls, encoder: Encoder, *, outputs: int, **options: Any) -> TextCnn:
        if not isinstance(encoder, TextEncoder):
            raise UsageError(f"a text_cnn cannot be built for {type(encoder).__name__}")
        return cls(vocabulary=encoder.vocabulary, outputs=outputs, **options)

    def forward(self, words: Int[Tensor, "b t"]) -> Float[Tensor, "b c"]:
        lengths = (words != PADDING).sum(1, keepdim=True).clamp(min=1)
        vectors = self.words(words).transpose(1, 2)  # [b dimensions t]
        strongest = []
        for window, conv in zip(self.windows, self.filters, strict=True):
            answers = conv(vectors)  # [b filters t + window - 1]
            beyond = torch.arange(answers.shape[2], device=words.device) >= lengths + window - 1
            strongest.append(answers.masked_fill(beyond[:, None], -torch.inf).amax(2))
        answer: Tensor = self.last(self.dropout(torch.cat(strongest, 1).relu()))
        return answer


def word_vectors(vocabulary: int, dimensions: int) -> nn.Embedding:
    """Trainable vectors that start short: a word that no labelled row holds then says little, not something random."""
    vectors = nn.Embedding(vocabulary, dimensions, padding_idx=PADDING)
    with torch.no_grad():
        vectors.weight.mul_(0.1)
    return vectors
