"""Encoders: from payloads to what a network reads. They learn from unlabelled payloads only.

``encode`` gives a compact *stored* form (bytes for images, ids for words) that a whole pool may be kept in;
``present`` turns a batch of it into the floats or ids that the network is called with.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

from querist.core.errors import DataError
from querist.core.rng import numpy_generator
from querist.core.types import Float, Int, Tensor

if TYPE_CHECKING:
    from querist.pool.pool import Pool

Stored = tuple[Tensor, ...]
"""Encoded rows: tensors with one first axis, one tensor for each argument of the network."""

_LEARN_FROM = 20_000
"""Rows that means and vocabularies are learned from, at most."""
_BLOCK = 512


class Encoder(ABC):
    """Payloads of one modality as tensors."""

    modality: ClassVar[str]
    padded: ClassVar[bool] = False
    """Whether rows differ in length and short ones are filled with zeros."""
    learned: bool = False

    def learn(self, pool: Pool) -> None:
        """Look at (at most 20,000 of) the payloads that may be asked for: means, sizes, vocabulary."""
        rows = pool.rows("train")
        if len(rows) > _LEARN_FROM:
            rows = np.sort(numpy_generator(0, "learn inputs").choice(rows, _LEARN_FROM, replace=False))
        if not len(rows):
            raise DataError("the pool has no rows to learn inputs from")
        self.learn_from(pool.payloads(rows[start : start + _BLOCK]) for start in range(0, len(rows), _BLOCK))
        self.learned = True

    @abstractmethod
    def learn_from(self, blocks: Iterator[Any]) -> None:
        """Learn from blocks of payloads, each as ``Pool.payloads`` gives them."""

    @abstractmethod
    def encode(self, payloads: Any) -> Stored:
        """Payloads in their stored form."""

    @abstractmethod
    def present(self, stored: Stored) -> tuple[Tensor, ...]:
        """The arguments that a network is called with."""

    def vectors(self, stored: Stored) -> Float[Tensor, "b d"]:
        """One flat vector a row, for distances between inputs; what the network reads unless said otherwise."""
        return self.present(stored)[0].flatten(1).to(torch.float32)

    def lengths(self, stored: Stored) -> Int[Tensor, "b"] | None:
        """Filled length of each row; ``None`` where all rows are of one length."""
        return None

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """What was learned, as plain data."""

    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of :meth:`state`."""
        vars(self).update(state)
        self.learned = True


class ArrayEncoder(Encoder):
    """Payload arrays as they are, as float32 tensors. For your own module and your own preprocessing."""

    modality = "array"

    def learn_from(self, blocks: Iterator[Any]) -> None:
        return None

    def encode(self, payloads: Any) -> Stored:
        try:
            return (torch.as_tensor(np.asarray(payloads, dtype=np.float32)),)
        except (TypeError, ValueError):
            raise DataError(
                "payloads are no arrays of one shape, so they cannot be handed to the network as they are",
                hint="give an encoder=",
            ) from None

    def present(self, stored: Stored) -> tuple[Tensor, ...]:
        return stored

    def state(self) -> dict[str, Any]:
        return {}


class TableEncoder(Encoder):
    """Feature vectors, each feature with mean 0 and variance 1 over the pool; constant features become 0.

    Example:
        >>> encoder = TableEncoder()
        >>> encoder.learn_from(iter([np.array([[1.0, 5.0], [3.0, 5.0]])]))
        >>> encoder.present(encoder.encode(np.array([[3.0, 5.0]])))[0].tolist()
        [[1.0, 0.0]]
    """

    modality = "table"

    def __init__(self) -> None:
        self.mean: list[float] = []
        self.std: list[float] = []

    @property
    def width(self) -> int:
        """Features."""
        return len(self.mean)

    def learn_from(self, blocks: Iterator[Any]) -> None:
        table = np.concatenate([np.asarray(block, dtype=np.float64) for block in blocks])
        if table.ndim != 2:
            raise DataError(f"rows of a table must be flat vectors, these have the shape {table.shape[1:]}")
        mean, std = table.mean(0), table.std(0)
        # Far from 0, a constant's computed spread is rounding and not 0.
        constant = std <= 1e-7 * (1 + np.abs(mean))
        self.mean, self.std = mean.tolist(), np.where(constant, 1.0, std).tolist()

    def encode(self, payloads: Any) -> Stored:
        table = np.asarray(payloads, dtype=np.float32)
        if table.ndim != 2 or table.shape[1] != self.width:
            raise DataError(f"rows have the shape {table.shape[1:]}, the model was made for {self.width} features")
        return (torch.as_tensor((table - np.array(self.mean)) / np.array(self.std)).to(torch.float32),)

    def present(self, stored: Stored) -> tuple[Tensor, ...]:
        return stored

    def state(self) -> dict[str, Any]:
        return {"mean": self.mean, "std": self.std}


class ImageEncoder(Encoder):
    """Images as ``[b c h w]`` floats, each channel with mean 0 and variance 1 over the pool; kept as bytes.

    Args:
        size: height and width to resize to. If left out, images keep their size where it is the same for all, and
            become squares of their median side (at most 64) where it is not.
    """

    modality = "image"

    def __init__(self, *, size: tuple[int, int] | None = None) -> None:
        self.size = size
        self.channels = 0
        self.mean: list[float] = []
        self.std: list[float] = []

    def learn_from(self, blocks: Iterator[Any]) -> None:
        sides: list[tuple[int, int]] = []
        total, squares, pixels = np.zeros(3), np.zeros(3), 0
        self.channels = 1
        for block in blocks:
            for image in [block] if isinstance(block, np.ndarray) else block:
                image = np.asarray(image)
                stack = image[None] if not isinstance(block, np.ndarray) else image
                sides += [stack.shape[1:3]] * len(stack)
                colour = stack.ndim == 4 and stack.shape[-1] == 3
                self.channels = max(self.channels, 3 if colour else 1)
                values = stack.reshape(-1, 3) if colour else stack.reshape(-1, 1)
                values = values.astype(np.float64) / 255
                total, squares = total + values.sum(0), squares + np.square(values).sum(0)
                pixels += len(values)
        mean = total / pixels
        std = np.sqrt(np.maximum(squares / pixels - np.square(mean), 0))
        self.mean = mean[: self.channels].tolist()
        # An empty channel has no spread to divide by.
        self.std = [float(value) if value > 1e-4 else 1.0 for value in std[: self.channels]]
        if self.size is None:
            side = min(64, int(np.median([min(sizes) for sizes in sides])))
            self.size = sides[0] if len(set(sides)) == 1 else (side, side)

    def encode(self, payloads: Any) -> Stored:
        if isinstance(payloads, np.ndarray):
            return (self._resized(self._channels_first(payloads)),)
        images = [self._resized(self._channels_first(np.asarray(image)[None])) for image in payloads]
        return (torch.cat(images) if images else torch.empty(0, self.channels, *self.shape, dtype=torch.uint8),)

    def present(self, stored: Stored) -> tuple[Tensor, ...]:
        (images,) = stored
        mean, std = (torch.tensor(x, device=images.device).reshape(-1, 1, 1) for x in (self.mean, self.std))
        return (images.to(torch.float32).mul_(1 / (255 * std)).sub_(mean / std),)

    def state(self) -> dict[str, Any]:
        return {"size": self.size, "channels": self.channels, "mean": self.mean, "std": self.std}

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of what the network reads."""
        if self.size is None:
            raise DataError("an image encoder was used before it learned the size of the images")
        return (int(self.size[0]), int(self.size[1]))

    def _channels_first(self, images: np.ndarray) -> Tensor:
        """``[b h w]`` or ``[b h w 3]`` bytes as ``[b c h w]``."""
        if (
            images.dtype != np.uint8
            or images.ndim not in (3, 4)
            or (images.ndim == 4 and images.shape[-1] not in (1, 3))
        ):
            raise DataError(
                f"images must be bytes [h w] or [h w 3], these are {images.dtype} {list(images.shape[1:])}",
                hint="give encoder=None to hand arrays to the network as they are",
            )
        # A copy: the pool's arrays may be read-only.
        tensor = torch.from_numpy(np.array(images))
        tensor = tensor[:, None] if images.ndim == 3 else tensor.permute(0, 3, 1, 2)
        if tensor.shape[1] == 3 and self.channels == 1:
            weights = torch.tensor([0.299, 0.587, 0.114]).reshape(1, 3, 1, 1)
            tensor = (tensor * weights).sum(1, keepdim=True).round().to(torch.uint8)
        return tensor.expand(-1, self.channels, -1, -1)

    def _resized(self, images: Tensor) -> Tensor:
        if tuple(images.shape[-2:]) == tuple(self.shape):
            return images
        resized = torch.nn.functional.interpolate(
            images.to(torch.float32), size=self.shape, mode="bilinear", antialias=True
        )
        return resized.round().clamp(0, 255).to(torch.uint8)


def encoder_for(pool: Pool, *, trim: bool = False) -> Encoder:
    """The encoder for a pool's modality, not yet learned.

    Args:
        pool: its modality and first payload decide.
        trim: whether batches of text are cut to their longest row. Only for networks whose answers do not depend
            on padding; others read all rows of the pool at one width.
    """
    if pool.modality == "text":
        from querist.models.text_inputs import TextEncoder

        return TextEncoder(trim=trim)
    if pool.modality == "tokens":
        from querist.models.text_inputs import TokensEncoder

        return TokensEncoder(trim=trim)
    first = first_payload(pool)
    if pool.modality == "image" and first.dtype == np.uint8:
        return ImageEncoder()
    return TableEncoder() if first.ndim == 1 else ArrayEncoder()


def first_payload(pool: Pool) -> np.ndarray:
    """One payload of the pool, as an array."""
    rows = pool.rows("train")
    if not len(rows):
        raise DataError("the pool has no rows")
    return np.asarray(pool.payloads(rows[:1])[0])


def joined(parts: Sequence[Stored]) -> Stored:
    """Stored rows one after the other; shorter padded axes are filled with zeros."""
    return tuple(_joined(tensors) for tensors in zip(*parts, strict=True))


def _joined(tensors: Sequence[Tensor]) -> Tensor:
    widest = [max(sizes) for sizes in zip(*(tensor.shape[1:] for tensor in tensors), strict=True)]
    if all(list(tensor.shape[1:]) == widest for tensor in tensors):
        return torch.cat(list(tensors))
    whole = tensors[0].new_zeros(sum(map(len, tensors)), *widest)
    start = 0
    for tensor in tensors:
        whole[(slice(start, start + len(tensor)), *(slice(size) for size in tensor.shape[1:]))] = tensor
        start += len(tensor)
    return whole
