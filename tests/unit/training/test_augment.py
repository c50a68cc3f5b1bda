"""Augmentation moves whole images by whole pixels."""

from __future__ import annotations

import torch

from querist.training.augment import augmented


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_each_image_is_moved_as_a_whole() -> None:
    images = torch.zeros(200, 2, 8, 8)
    images[:, 0, 4, 4], images[:, 1, 4, 5] = 1.0, 2.0
    moved = augmented(images, shift=0.25, flip=False, rng=rng())
    seen = set()
    for one in moved:
        (first,), (second,) = torch.nonzero(one[0]).tolist(), torch.nonzero(one[1]).tolist()
        assert second == [first[0], first[1] + 1]
        seen.add((first[0] - 4, first[1] - 4))
    assert seen == {(a, b) for a in range(-2, 3) for b in range(-2, 3)}


def test_edges_are_repeated_outwards() -> None:
    ramp = torch.arange(4.0).reshape(1, 1, 1, 4).expand(50, 1, 4, 4)
    rows = {tuple(one[0, 0].tolist()) for one in augmented(ramp, shift=0.25, flip=False, rng=rng())}
    assert rows == {(0, 0, 1, 2), (0, 1, 2, 3), (1, 2, 3, 3)}


def test_about_half_are_mirrored() -> None:
    ramp = torch.arange(4.0).reshape(1, 1, 1, 4).expand(400, 1, 1, 4)
    mirrored = (augmented(ramp, shift=0.0, flip=True, rng=rng())[:, 0, 0, 0] == 3).float().mean()
    assert 0.4 < float(mirrored) < 0.6


def test_the_batch_itself_is_not_changed() -> None:
    images = torch.rand(5, 1, 8, 8, generator=rng())
    before = images.clone()
    augmented(images, shift=0.2, flip=True, rng=rng())
    assert torch.equal(images, before)
