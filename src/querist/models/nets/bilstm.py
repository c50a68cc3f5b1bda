"""A tagger: word vectors and a character network, a bidirectional LSTM, a linear layer.

Papers: lample2016neural, ma2016end. Known difference: a softmax a token in the place of a conditional random field,
so that a token's probabilities are those that scores read.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import nn

from querist.core.errors import UsageError
from querist.core.types import Float, Int, Tensor
from querist.models.inputs import Encoder
from querist.models.nets.base import Net
from querist.models.nets.text_cnn import word_vectors
from querist.models.text_inputs import PADDING, TokensEncoder
from querist.training.recipe import Recipe


class Bilstm(Net):
    """Bidirectional LSTM over words and their spelling. Answers do not depend on padding.

    Args:
        vocabulary: word ids, padding (0) included.
        alphabet: character ids, padding (0) included.
        outputs: tags.
        dimensions: of a word vector.
        character_dimensions: of a character vector.
        character_filters: over windows of three characters.
        hidden: units of the LSTM in each direction.
        dropout: share dropped of what the LSTM reads and of what it answers.

    Example:
        >>> net = Bilstm(vocabulary=50, alphabet=30, outputs=3)
        >>> net(torch.tensor([[4, 5, 0]]), torch.ones(1, 3, 20, dtype=torch.long)).shape
        torch.Size([1, 3, 3])
    """

    modalities: ClassVar[tuple[str, ...]] = ("tokens",)
    found_in_inputs: ClassVar[tuple[str, ...]] = ("vocabulary", "alphabet")
    recipe: ClassVar[Recipe] = Recipe(steps=200, epochs=15, batch=16, lr=1e-2)

    def __init__(
        self,
        *,
        vocabulary: int,
        alphabet: int,
        outputs: int,
        dimensions: int = 100,
        character_dimensions: int = 30,
        character_filters: int = 30,
        hidden: int = 100,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.words = word_vectors(vocabulary, dimensions)
        self.characters = nn.Embedding(alphabet, character_dimensions, padding_idx=PADDING)
        self.spelling = nn.Conv1d(character_dimensions, character_filters, 3, padding=1)
        self.before = nn.Dropout(dropout)
        # Two networks in one direction each, not one packed in both: half the time on a CPU.
        self.onward = nn.LSTM(dimensions + character_filters, hidden, batch_first=True)
        self.homeward = nn.LSTM(dimensions + character_filters, hidden, batch_first=True)
        self.after = nn.Dropout(dropout)
        self.last = nn.Linear(2 * hidden, outputs)

    @classmethod
    def for_inputs(cls, encoder: Encoder, *, outputs: int, **options: Any) -> Bilstm:
        if not isinstance(encoder, TokensEncoder):
            raise UsageError(f"a bilstm cannot be built for {type(encoder).__name__}")
        return cls(vocabulary=encoder.vocabulary, alphabet=encoder.alphabet, outputs=outputs, **options)

    def forward(self, words: Int[Tensor, "b t"], characters: Int[Tensor, "b t w"]) -> Float[Tensor, "b t c"]:
        b, t = words.shape
        letters = self.characters(characters.flatten(0, 1)).transpose(1, 2)  # [b*t dimensions w]
        spelled = self.spelling(letters).amax(2).reshape(b, t, -1)
        read = self.before(torch.cat([self.words(words), spelled], 2))
        # The words of each row backwards, its padding where it was: it must not be read first.
        places = torch.arange(t, device=words.device)
        lengths = (words != PADDING).sum(1, keepdim=True)
        turned = torch.where(places < lengths, lengths - 1 - places, places)[:, :, None]
        onward, _ = self.onward(read)
        homeward, _ = self.homeward(read.gather(1, turned.expand_as(read)))
        states = torch.cat([onward, homeward.gather(1, turned.expand_as(homeward))], 2)
        answer: Tensor = self.last(self.after(states))
        return answer
