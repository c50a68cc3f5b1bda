"""Encoders that read payloads the way a checkpoint was trained to: its image processor, its tokenizer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from querist.core.errors import DataError, UsageError
from querist.core.types import Float, Int, Tensor
from querist.models.checkpoint import Checkpoint
from querist.models.inputs import Encoder, Stored

_BUCKETS = 512
_SIDE = 32


class CheckpointEncoder(Encoder):
    """An encoder that learned all it needs when the checkpoint was trained."""

    learned = True

    def learn_from(self, blocks: Iterator[Any]) -> None:
        return None


class CheckpointImages(CheckpointEncoder):
    """Images, resized and cropped by the checkpoint's processor and kept as bytes; scaled when presented."""

    modality = "image"

    def __init__(self, checkpoint: Checkpoint) -> None:
        processor = checkpoint.image_processor
        self._processor = processor
        self.colours = int(getattr(checkpoint.config, "num_channels", 3))
        self.scale = float(processor.rescale_factor) if getattr(processor, "do_rescale", True) else 1.0
        normal = bool(getattr(processor, "do_normalize", True))
        self.mean = [float(x) for x in processor.image_mean] if normal else [0.0]
        self.std = [float(x) for x in processor.image_std] if normal else [1.0]

    def encode(self, payloads: Any) -> Stored:
        if not len(payloads):
            return (self.encode(np.zeros((1, 8, 8, 3), np.uint8))[0][:0],)
        images = [self._coloured(np.asarray(image)) for image in payloads]
        try:
            pixels = self._processor(
                images=images,
                do_rescale=False,
                do_normalize=False,
                input_data_format="channels_last",
                return_tensors="pt",
            )["pixel_values"]
        except ValueError as error:
            raise DataError(f"the checkpoint's processor refuses these images: {str(error).splitlines()[0]}") from None
        return (pixels.round().clamp(0, 255).to(torch.uint8) if pixels.is_floating_point() else pixels,)

    def present(self, stored: Stored) -> tuple[Tensor, ...]:
        (pixels,) = stored
        mean, std = (torch.tensor(x, device=pixels.device).reshape(-1, 1, 1) for x in (self.mean, self.std))
        return ((pixels.to(torch.float32) * self.scale - mean) / std,)

    def vectors(self, stored: Stored) -> Float[Tensor, "b d"]:
        (pixels,) = self.present(stored)
        # Distances between thumbnails say what distances between 150,000 numbers say.
        h, w = pixels.shape[-2:]
        return torch.nn.functional.adaptive_avg_pool2d(pixels, (min(h, _SIDE), min(w, _SIDE))).flatten(1)

    def state(self) -> dict[str, Any]:
        return {"colours": self.colours, "scale": self.scale, "mean": self.mean, "std": self.std}

    def _coloured(self, image: np.ndarray) -> np.ndarray:
        """Bytes ``[h w]`` or ``[h w 3]`` as ``[h w colours]``."""
        if image.dtype != np.uint8 or image.ndim not in (2, 3):
            raise DataError(f"an image is {image.dtype} {list(image.shape)}, not bytes [h w] or [h w 3]")
        if image.ndim == 2:
            image = image[:, :, None]
        if image.shape[2] != self.colours:
            image = np.repeat(image, self.colours, 2) if image.shape[2] == 1 else image.mean(2, keepdims=True)
        return np.ascontiguousarray(image, dtype=np.uint8)


class CheckpointTexts(CheckpointEncoder):
    """Texts as word pieces ``[b p]`` and a mask of the true ones; what is over ``longest`` pieces is cut off."""

    modality = "text"
    padded = True

    def __init__(self, checkpoint: Checkpoint, *, most: int) -> None:
        self._tokenizer = checkpoint.tokenizer
        self.longest = checkpoint.longest(most)

    def encode(self, payloads: Any) -> Stored:
        if not len(payloads):
            return torch.empty(0, 1, dtype=torch.int32), torch.empty(0, 1, dtype=torch.bool)
        pieces = self._pieces(payloads)
        return pieces["input_ids"].to(torch.int32), pieces["attention_mask"].to(torch.bool)

    def _pieces(self, payloads: Any, **options: Any) -> Any:
        return self._tokenizer(
            list(payloads), truncation=True, max_length=self.longest, padding=True, return_tensors="pt", **options
        )

    def present(self, stored: Stored) -> tuple[Tensor, ...]:
        pieces, mask = stored[:2]
        # Cut to the longest row: attention skips padding, so no answer depends on it (but for rounding).
        width = int(mask.sum(1).max())
        mask = mask[:, :width]
        # Stored rows are filled with zeros, which some vocabularies give to another piece.
        pieces = pieces[:, :width].long().masked_fill(~mask, self._tokenizer.pad_token_id or 0)
        return pieces, mask.long()

    def vectors(self, stored: Stored) -> Float[Tensor, "b d"]:
        """How often pieces occur, in 512 buckets, as a vector of length 1."""
        pieces, mask = stored[:2]
        counts = torch.zeros(len(pieces), _BUCKETS)
        counts.scatter_add_(1, pieces.long() % _BUCKETS, mask.to(torch.float32))
        return torch.nn.functional.normalize(counts, dim=1)

    def lengths(self, stored: Stored) -> Int[Tensor, "b"]:
        return stored[1].sum(1)

    def state(self) -> dict[str, Any]:
        return {"longest": self.longest, "vocabulary": len(self._tokenizer)}


class CheckpointWords(CheckpointTexts):
    """Lists of words as pieces, and the place ``[b t]`` of each word's first piece.

    A word's answer is read at its first piece. Words that the tokenizer drops (a lone control character) and those
    over ``longest`` pieces have none; they are answered at the first place of the row, which sees all of it.
    """

    modality = "tokens"

    def __init__(self, checkpoint: Checkpoint, *, most: int) -> None:
        super().__init__(checkpoint, most=most)
        if not self._tokenizer.is_fast:
            raise UsageError(
                f"the tokenizer of {checkpoint.source} does not say which pieces are of one word",
                hint="choose a checkpoint with tokenizer.json",
            )

    def encode(self, payloads: Any) -> Stored:
        if not len(payloads):
            return (*super().encode(payloads), torch.empty(0, 1, dtype=torch.int32))
        pieces = self._pieces(payloads, is_split_into_words=True)
        # 0 is padding, so places count from 1.
        first = torch.zeros(len(payloads), max(1, *(len(words) for words in payloads), 0), dtype=torch.int32)
        for row, words in enumerate(payloads):
            first[row, : len(words)] = 1
            for place, word in reversed(list(enumerate(pieces.word_ids(row)))):
                if word is not None:
                    first[row, word] = place + 1
        return pieces["input_ids"].to(torch.int32), pieces["attention_mask"].to(torch.bool), first

    def present(self, stored: Stored) -> tuple[Tensor, ...]:
        first = stored[2]
        width = max(1, int((first > 0).sum(1).max()))
        return (*super().present(stored), first[:, :width].long().clamp(min=1) - 1)


def checkpoint_encoder(checkpoint: Checkpoint, modality: str, *, most: int) -> CheckpointEncoder:
    """The encoder for payloads of this modality.

    Raises:
        UsageError: checkpoints do not read them.
    """
    if modality == "image":
        return CheckpointImages(checkpoint)
    if modality not in ("text", "tokens"):
        raise UsageError(f"checkpoints do not read a {modality}", hint="try --model mlp")
    return (CheckpointTexts if modality == "text" else CheckpointWords)(checkpoint, most=most)
