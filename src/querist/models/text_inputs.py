"""Encoders of words: whole texts, and rows that come as tokens."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

import torch

from querist.core.types import Float, Int, Tensor
from querist.models.inputs import Encoder, Stored

PADDING, UNKNOWN = 0, 1
_FIRST = 2
"""Id of the commonest word."""
_WORD = re.compile(r"\w+|[^\w\s]")
_DIGIT = re.compile(r"\d")
_COMMONEST = 1000
"""Words that a row's flat vector counts."""


def words_of(text: str) -> list[str]:
    """Lower-case words and single punctuation marks.

    Example:
        >>> words_of("It's 5 o'clock!")
        ['it', "'", 's', '5', 'o', "'", 'clock', '!']
    """
    return _WORD.findall(text.lower())


class WordEncoder(Encoder):
    """What both encoders of words share: a vocabulary by frequency, ids padded with 0, and tf-idf vectors.

    Args:
        trim: whether ``present`` cuts a batch to its longest row.
        max_words: words that have an id of their own, the commonest first.
        min_count: how often a word must occur to have one.
    """

    padded: ClassVar[bool] = True

    def __init__(self, *, trim: bool = False, max_words: int = 20_000, min_count: int = 2) -> None:
        self.trim, self.max_words, self.min_count = trim, max_words, min_count
        self.words: list[str] = []
        self.idf: list[float] = []
        self.longest = 1
        self._ids: dict[str, int] = {}

    @property
    def vocabulary(self) -> int:
        """Ids in use, padding and the unknown word included."""
        return _FIRST + len(self.words)

    def learn_words(self, rows: Iterable[Sequence[str]]) -> None:
        """Learn vocabulary, lengths and how many rows hold each common word."""
        counts: Counter[str] = Counter()
        holders: Counter[str] = Counter()
        n = longest = 0
        for row in rows:
            counts.update(row)
            holders.update(set(row))
            n, longest = n + 1, max(longest, len(row))
        frequent = [(-count, word) for word, count in counts.items() if count >= self.min_count]
        self.words = [word for _, word in sorted(frequent)[: self.max_words]]
        self.idf = [math.log((1 + n) / (1 + holders[word])) + 1 for word in self.words[:_COMMONEST]]
        self.longest = max(1, longest)
        self._number()

    def _number(self) -> None:
        self._ids = {word: number for number, word in enumerate(self.words, start=_FIRST)}

    def word_ids(self, rows: Sequence[Sequence[str]], *, width: int) -> Int[Tensor, "b t"]:
        """Ids of the first ``width`` words of each row."""
        ids = torch.zeros(len(rows), width, dtype=torch.int32)
        for pos, row in enumerate(rows):
            found = [self._ids.get(word, UNKNOWN) for word in row[:width]]
            ids[pos, : len(found)] = torch.tensor(found, dtype=torch.int32)
        return ids

    def lengths(self, stored: Stored) -> Int[Tensor, "b"]:
        return (stored[0] != PADDING).sum(1)

    def present(self, stored: Stored) -> tuple[Tensor, ...]:
        width = stored[0].shape[1]
        if self.trim:
            width = max(1, int(self.lengths(stored).max())) if len(stored[0]) else 1
        return tuple(tensor[:, :width].long() for tensor in stored)

    def vectors(self, stored: Stored) -> Float[Tensor, "b d"]:
        """Unit vectors of tf-idf weights of the 1,000 commonest words: ids themselves have no distances."""
        ids = stored[0].long()
        counts = torch.zeros(len(ids), _FIRST + len(self.idf))
        counts.scatter_add_(1, ids.where(ids < counts.shape[1], PADDING), torch.ones(ids.shape))
        return torch.nn.functional.normalize(counts[:, _FIRST:] * torch.tensor(self.idf))

    def state(self) -> dict[str, Any]:
        return {"words": self.words, "idf": self.idf, "longest": self.longest}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._number()


class TextEncoder(WordEncoder):
    """Texts as word ids ``[b t]``.

    Args:
        trim: whether batches are cut to their longest row.
        max_words: size of the vocabulary.
        min_count: how often a word must occur in the pool to be in it.
        max_tokens: words that are read of a text, at most.

    Example:
        >>> encoder = TextEncoder()
        >>> encoder.learn_from(iter([["a cat", "a dog, a dog"]]))
        >>> encoder.words, encoder.present(encoder.encode(["a cat sat", "dog"]))[0].tolist()
        (['a', 'dog'], [[2, 1, 1, 0, 0], [3, 0, 0, 0, 0]])
    """

    modality = "text"

    def __init__(
        self, *, trim: bool = False, max_words: int = 20_000, min_count: int = 2, max_tokens: int = 256
    ) -> None:
        super().__init__(trim=trim, max_words=max_words, min_count=min_count)
        self.max_tokens = max_tokens

    def learn_from(self, blocks: Iterator[Any]) -> None:
        self.learn_words(words_of(text) for block in blocks for text in block)

    def encode(self, payloads: Any) -> Stored:
        return (self.word_ids([words_of(text) for text in payloads], width=min(self.longest, self.max_tokens)),)


class TokensEncoder(WordEncoder):
    """Rows of tokens as word ids ``[b t]`` and character ids ``[b t w]``. No token is ever left out.

    Words are lower-cased and their digits become 0; characters keep their case, so names can still be told.

    Args:
        trim: whether batches are cut to their longest row.
        max_words: size of the vocabulary.
        min_count: how often a word must occur in the pool to be in it.
        max_characters: characters that are read of a word, at most; 0 for word ids alone.

    Example:
        >>> encoder = TokensEncoder(min_count=1)
        >>> encoder.learn_from(iter([[["Go", "on"], ["on"]]]))
        >>> words, characters = encoder.present(encoder.encode([["on", "to"]]))
        >>> words.tolist(), characters.shape
        ([[2, 1]], torch.Size([1, 2, 20]))
    """

    modality = "tokens"

    def __init__(
        self, *, trim: bool = False, max_words: int = 20_000, min_count: int = 2, max_characters: int = 20
    ) -> None:
        super().__init__(trim=trim, max_words=max_words, min_count=min_count)
        self.max_characters = max_characters
        self.characters: list[str] = []
        self._character_ids: dict[str, int] = {}
        self._spelled: dict[str, list[int]] = {}

    @property
    def alphabet(self) -> int:
        """Character ids in use, padding and the unknown character included."""
        return _FIRST + len(self.characters)

    def learn_from(self, blocks: Iterator[Any]) -> None:
        seen: Counter[str] = Counter()

        def rows() -> Iterator[list[str]]:
            for block in blocks:
                for tokens in block:
                    seen.update("".join(tokens))
                    yield [_word(token) for token in tokens]

        self.learn_words(rows())
        # Ids fit a byte, so that a pool of characters stays small.
        common = sorted((-count, character) for character, count in seen.items() if count >= self.min_count)
        self.characters = [character for _, character in common[: 256 - _FIRST]]
        self._number()

    def _number(self) -> None:
        super()._number()
        self._character_ids = {character: number for number, character in enumerate(self.characters, start=_FIRST)}
        self._spelled = {}

    def encode(self, payloads: Any) -> Stored:
        width = max([self.longest, *map(len, payloads)])
        words = self.word_ids([[_word(token) for token in tokens] for tokens in payloads], width=width)
        if not self.max_characters:
            return (words,)
        characters = torch.zeros(len(payloads), width, self.max_characters, dtype=torch.uint8)
        for pos, tokens in enumerate(payloads):
            if len(tokens):
                spelled = [self._spelling(token) for token in tokens]
                characters[pos, : len(tokens)] = torch.tensor(spelled, dtype=torch.uint8)
        return words, characters

    def _spelling(self, token: str) -> list[int]:
        if token not in self._spelled:
            ids = [self._character_ids.get(character, UNKNOWN) for character in token[: self.max_characters]]
            self._spelled[token] = [*ids, *[PADDING] * (self.max_characters - len(ids))]
        return self._spelled[token]

    def state(self) -> dict[str, Any]:
        return {**super().state(), "characters": self.characters}


def _word(token: str) -> str:
    return _DIGIT.sub("0", token.lower())
