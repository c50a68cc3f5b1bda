"""Embeddings of a whole pool by an encoder that is not trained: computed once, kept in a file, read as a table."""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import nn

from querist.core.errors import DataError, NonFinite
from querist.core.types import Float, Tensor
from querist.models.base import Progress
from querist.models.checkpoint import Checkpoint
from querist.models.inputs import Encoder
from querist.models.weights import fingerprint

if TYPE_CHECKING:
    from querist.pool.pool import Pool

_SPLITS = ("train", "validation", "test")


class EmbeddedPool:
    """A pool seen through an encoder: the same rows and splits, and embeddings as payloads.

    Args:
        pool: the rows.
        table: embeddings of all its rows, ``[n d]``; may be memory-mapped.
    """

    modality = "table"

    def __init__(self, pool: Pool, table: np.ndarray) -> None:
        self.pool, self.table = pool, table
        self.name = pool.name

    def __len__(self) -> int:
        return len(self.table)

    @property
    def width(self) -> int:
        """Numbers an embedding has."""
        return int(self.table.shape[1])

    def rows(self, split: str = "train") -> np.ndarray:
        """Row ids of a split."""
        return self.pool.rows(split)

    def payloads(self, rows: np.ndarray) -> Float[np.ndarray, "b d"]:
        """Embeddings of ``rows``."""
        return self.table[np.asarray(rows, dtype=np.int64)]


class CheckpointEmbedder(nn.Module):
    """A checkpoint's answer as one vector a row.

    Args:
        checkpoint: loaded once, never trained.
        modality: ``image`` or ``text``.
        pooling: ``cls`` takes the first token, ``mean`` averages the true ones, ``auto`` does what suits the
            payloads: the first token of an image, the mean of a text. Networks with an answer of their own for this
            (CLIP and its kin) give that, and networks without tokens the mean of their last map.
    """

    def __init__(self, checkpoint: Checkpoint, modality: str, *, pooling: str) -> None:
        super().__init__()
        self.network: Any = checkpoint.network("AutoModel")
        self._own = getattr(self.network, f"get_{modality}_features", None) is not None and pooling == "auto"
        self._modality = modality
        self._mean = pooling == "mean" or (pooling == "auto" and modality == "text")
        self._pooling = pooling

    def extra_repr(self) -> str:
        return f"pooling={self._pooling}"

    def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Float[Tensor, "b d"]:
        call = getattr(self.network, f"get_{self._modality}_features") if self._own else self.network
        output = call(inputs) if mask is None else call(inputs, attention_mask=mask)
        if self._own:
            features: Tensor = output if isinstance(output, Tensor) else output.pooler_output
            return features
        states: Tensor = output.last_hidden_state
        if states.ndim == 4:
            return states.flatten(2).mean(-1)
        if not self._mean:
            return states[:, 0]
        if mask is None:
            return states.mean(1)
        real = mask[:, :, None].to(states.dtype)
        return (states * real).sum(1) / real.sum(1).clamp(min=1)


def embedded(
    pool: Pool,
    embedder: nn.Module,
    inputs: Encoder,
    *,
    folder: Path,
    device: torch.device,
    batch: int,
    before: np.ndarray | None = None,
    progress: Progress | None = None,
) -> np.ndarray:
    """Embeddings ``[n d]`` of ``pool``, memory-mapped: from ``folder`` if they are there, computed and kept if not.

    The file's name holds the weights, the way payloads are read, and the pool's content, so nothing stale is read.

    Args:
        pool: what to embed; rows that no split offers are left out (NaN).
        embedder: gives ``[b d]`` for a batch.
        inputs: from payloads to what the embedder reads.
        folder: where files are kept; made if missing.
        device: where to compute.
        batch: rows a forward pass.
        before: what this gave before the pool grew; only the rows that joined are computed.
        progress: called with the share done, not at all if there is nothing to do.

    Raises:
        NonFinite: an embedding is NaN or infinite; names the row.
        DataError: the file cannot be written, or the embedder gives no vectors.
    """
    facts = [repr(embedder), type(inputs).__name__, inputs.state()]
    key = blake2b(f"{fingerprint([embedder], facts)} {pool.fingerprint}".encode(), digest_size=16).hexdigest()
    file = folder / f"{key}.npy"
    if not file.is_file():
        partial = folder / f"{key}.{os.getpid()}.part"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _write(partial, pool, embedder, inputs, device=device, batch=batch, before=before, progress=progress)
            os.replace(partial, file)
        except OSError as error:
            raise DataError(
                f"embeddings cannot be kept in {folder}: {error.strerror or error}",
                hint="give another folder with cache=",
            ) from None
        finally:
            with suppress(OSError):
                partial.unlink()
    table: np.ndarray = np.load(file, mmap_mode="r")
    return table


def _write(
    file: Path,
    pool: Pool,
    embedder: nn.Module,
    inputs: Encoder,
    *,
    device: torch.device,
    batch: int,
    before: np.ndarray | None,
    progress: Progress | None,
) -> None:
    done = 0 if before is None else len(before)
    rows = np.sort(np.concatenate([pool.rows(split) for split in _SPLITS]))
    rows = rows[rows >= done]
    embedder = embedder.to(device).eval()
    table: np.memmap | None = None
    for start in range(0, len(rows), batch):
        block = rows[start : start + batch]
        stored = tuple(tensor.to(device) for tensor in inputs.encode(pool.payloads(block)))
        with torch.no_grad():
            answer = embedder(*inputs.present(stored))
        if not isinstance(answer, Tensor) or len(answer) != len(block) or answer.ndim < 2:
            found = list(answer.shape) if isinstance(answer, Tensor) else type(answer).__name__
            raise DataError(f"the encoder gives {found} for {len(block)} rows", hint="it must give a vector a row")
        vectors = answer.flatten(1).to("cpu", torch.float32).numpy()
        bad = ~np.isfinite(vectors).all(1)
        if bad.any():
            raise NonFinite("the embedding", int(block[bad][0]), hint="look at that row, or choose another encoder")
        if table is None:
            shape = (len(pool), vectors.shape[1])
            table = cast(np.memmap, np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=shape))
            # What no split offers must be noticed if it is asked for all the same.
            table[done:] = np.nan
            if before is not None:
                table[:done] = before
        table[block] = vectors
        if progress is not None:
            progress((start + len(block)) / len(rows))
    embedder.to("cpu")
    if table is not None:
        table.flush()
