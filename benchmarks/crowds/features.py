"""Features of small pictures without labels: patches as in coates2011analysis, on a processor in a minute."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image

from querist.core.rng import generator
from querist.core.types import Float, Tensor

_SIDE = 6
_BATCH = 500


def pictures(files: Sequence[bytes]) -> Float[Tensor, "n 3 32 32"]:
    """Decoded pictures, 0 to 1."""
    held = [np.asarray(Image.open(io.BytesIO(file)).convert("RGB")) for file in files]
    return torch.from_numpy(np.stack(held)).permute(0, 3, 1, 2).float() / 255


def patch_features(
    images: Float[Tensor, "n 3 32 32"], *, words: int = 200, patches: int = 50_000, steps: int = 20, seed: int = 0
) -> Float[Tensor, "n f"]:
    """How much of each word (centroid of whitened patches) stands in each quarter of a picture, ``[n 4 words]``."""
    rng = generator(seed, "patches")
    unfold = torch.nn.Unfold(_SIDE)
    some = images[torch.randint(len(images), (patches // 50,), generator=rng)]
    drawn = unfold(some).transpose(1, 2).reshape(-1, 3 * _SIDE**2)
    drawn = _even(drawn[torch.randperm(len(drawn), generator=rng)[:patches]])
    mean = drawn.mean(0)
    values, vectors = torch.linalg.eigh((drawn - mean).T.cov())
    whiten = vectors @ torch.diag((values + 0.1).rsqrt()) @ vectors.T
    white = (drawn - mean) @ whiten
    centres = white[torch.randperm(len(white), generator=rng)[:words]].clone()
    for _ in range(steps):
        nearest = _distances(white, centres).argmin(1)
        counts = nearest.bincount(minlength=words)
        sums = torch.zeros_like(centres).index_add_(0, nearest, white)
        centres = (sums / counts.clamp_min(1)[:, None]).where(counts[:, None] > 0, centres)
    found = []
    for block in images.split(_BATCH):
        cut = unfold(block).transpose(1, 2)
        n, places, d = cut.shape
        far = _distances((_even(cut.reshape(-1, d)) - mean) @ whiten, centres).clamp_min(0).sqrt()
        soft = (far.mean(1, keepdim=True) - far).clamp_min(0).reshape(n, places, words)
        side = int(places**0.5)
        grid = soft.transpose(1, 2).reshape(n, words, side, side)
        found.append(torch.nn.functional.adaptive_avg_pool2d(grid, 2).reshape(n, -1))
    return torch.cat(found)


def _even(patches: Tensor) -> Tensor:
    """Each patch with mean 0 and its contrast divided out."""
    centred = patches - patches.mean(1, keepdim=True)
    return centred / (centred.var(1, keepdim=True) + 0.01).sqrt()


def _distances(points: Tensor, centres: Tensor) -> Tensor:
    """Squared distances."""
    return points.square().sum(1, keepdim=True) - 2 * points @ centres.T + centres.square().sum(1)
