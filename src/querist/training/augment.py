"""Standard augmentation of images: each row of a batch is shifted a little, and mirrored if that keeps its class."""

from __future__ import annotations

import torch

from querist.core.types import Float, Generator, Tensor


def augmented(
    images: Float[Tensor, "b c h w"], *, shift: float, flip: bool, rng: Generator
) -> Float[Tensor, "b c h w"]:
    """``images``, each moved by up to ``shift`` of its side and perhaps mirrored; edges are repeated outwards.

    Args:
        images: a batch.
        shift: largest move as a share of the side, at least one pixel if above 0.
        flip: whether half of the images are mirrored left to right.
        rng: draws moves and mirrors (on the CPU, so that every device sees the same).

    Example:
        >>> images = torch.arange(4.0).reshape(1, 1, 1, 4)
        >>> rng = torch.Generator().manual_seed(0)
        >>> bool((augmented(images, shift=0.0, flip=False, rng=rng) == images).all())
        True
    """
    b, _, h, w = images.shape
    rows, columns = torch.arange(h).expand(b, h), torch.arange(w).expand(b, w)
    if shift > 0:
        reach_h, reach_w = max(1, round(shift * h)), max(1, round(shift * w))
        rows = (rows + torch.randint(-reach_h, reach_h + 1, (b, 1), generator=rng)).clamp(0, h - 1)
        columns = (columns + torch.randint(-reach_w, reach_w + 1, (b, 1), generator=rng)).clamp(0, w - 1)
    if flip:
        mirror = torch.randint(0, 2, (b, 1), generator=rng).bool()
        columns = torch.where(mirror, columns.flip(1), columns)
    at, rows, columns = (x.to(images.device) for x in (torch.arange(b), rows, columns))
    # Indexed axes stand first, so the channels come last: [b h w c].
    return images[at[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
