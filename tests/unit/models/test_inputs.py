"""Encoders: what a network is fed, learned from unlabelled payloads."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from querist.core.errors import DataError
from querist.models.inputs import ArrayEncoder, Encoder, ImageEncoder, TableEncoder, encoder_for, joined
from querist.models.text_inputs import TextEncoder, TokensEncoder
from querist.pool.pool import Pool

DRAW = np.random.default_rng(0)


def test_grey_images_are_standardised_and_keep_their_size() -> None:
    images = DRAW.integers(0, 256, (50, 6, 9)).astype(np.uint8)
    encoder = ImageEncoder()
    encoder.learn_from(iter([images[:20], images[20:]]))
    stored = encoder.encode(images)
    assert stored[0].dtype == torch.uint8  # a pool is kept as bytes
    (read,) = encoder.present(stored)
    assert read.shape == (50, 1, 6, 9)
    assert abs(float(read.mean())) < 1e-5
    assert abs(float(read.std(correction=0)) - 1) < 1e-5
    torch.testing.assert_close(read[:, 0], torch.tensor((images / 255 - encoder.mean[0]) / encoder.std[0]).float())


def test_colour_images_are_standardised_by_channel() -> None:
    images = DRAW.integers(0, 256, (40, 5, 5, 3)).astype(np.uint8)
    images[..., 2] //= 4
    encoder = ImageEncoder()
    encoder.learn_from(iter([images]))
    (read,) = encoder.present(encoder.encode(images))
    assert read.shape == (40, 3, 5, 5)
    torch.testing.assert_close(read.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(read.std((0, 2, 3), correction=0), torch.ones(3), atol=1e-4, rtol=0)


def test_images_of_many_sizes_and_colours_become_one_shape() -> None:
    sizes = [(10, 20), (12, 16), (14, 14)]
    images = [DRAW.integers(0, 256, size).astype(np.uint8) for size in sizes]
    images.append(DRAW.integers(0, 256, (12, 12, 3)).astype(np.uint8))
    encoder = ImageEncoder()
    encoder.learn_from(iter([images]))
    assert (encoder.channels, encoder.shape) == (3, (12, 12))
    (read,) = encoder.present(encoder.encode(images))
    assert read.shape == (4, 3, 12, 12)
    assert torch.isfinite(read).all()


def test_a_flat_image_stays_flat_when_resized() -> None:
    encoder = ImageEncoder(size=(4, 4))
    encoder.learn_from(iter([np.full((2, 8, 8), 100, np.uint8)]))
    assert encoder.encode(np.full((1, 8, 8), 100, np.uint8))[0].unique().tolist() == [100]


def test_floats_are_no_images() -> None:
    encoder = ImageEncoder()
    encoder.learn_from(iter([np.zeros((2, 8, 8), np.uint8)]))
    with pytest.raises(DataError, match=r"images must be bytes .* float64 \[8, 8\]; give encoder=None"):
        encoder.encode(np.zeros((2, 8, 8)))


def test_constant_features_become_zero_even_far_from_zero() -> None:
    table = np.stack([np.full(30, 1e6), DRAW.normal(size=30)], 1)
    encoder = TableEncoder()
    encoder.learn_from(iter([table]))
    (read,) = encoder.present(encoder.encode(table))
    assert torch.equal(read[:, 0], torch.zeros(30))
    assert abs(float(read[:, 1].std(correction=0)) - 1) < 1e-5
    with pytest.raises(DataError, match="made for 2 features"):
        encoder.encode(np.zeros((1, 3)))


def test_arrays_of_different_shapes_cannot_be_handed_over() -> None:
    with pytest.raises(DataError, match="no arrays of one shape"):
        ArrayEncoder().encode([np.zeros(2), np.zeros(3)])


def test_the_vocabulary_is_by_frequency_and_rare_words_are_unknown() -> None:
    encoder = TextEncoder(max_words=2)
    encoder.learn_from(iter([["b b b a a", "c c rare"]]))
    assert encoder.words == ["b", "a"]
    assert encoder.encode(["a b c rare"])[0].tolist() == [[3, 2, 1, 1, 0]]


def test_long_texts_are_cut_and_batches_trimmed_only_on_request() -> None:
    texts = ["a a a a a a", "a"]
    for trim, width in ((False, 4), (True, 1)):
        encoder = TextEncoder(trim=trim, max_tokens=4)
        encoder.learn_from(iter([texts]))
        stored = encoder.encode(texts[1:])
        assert encoder.present(stored)[0].shape == (1, width)
        assert encoder.lengths(stored).tolist() == [1]


def test_no_token_is_ever_left_out() -> None:
    encoder = TokensEncoder(trim=True)
    encoder.learn_from(iter([[["Ada", "met", "Ada"]]]))
    long = ["Ada"] * 7
    words, characters = encoder.present(encoder.encode([long, []]))
    assert words.tolist() == [[2] * 7, [0] * 7]
    assert characters.shape == (2, 7, 20)
    assert characters[0, 0, :4].tolist() == [2, 4, 3, 0]  # all as common: A, a, d


def test_texts_that_share_rare_words_are_near() -> None:
    encoder = TextEncoder()
    texts = ["the cat sat", "the cat ran", "the dog ran", "the dog sat"]
    encoder.learn_from(iter([texts]))
    vectors = encoder.vectors(encoder.encode(texts))
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(4))
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def pool_of(kind: str) -> Pool:
    payloads: dict[str, object] = {
        "image": DRAW.integers(0, 256, (5, 4, 4)).astype(np.uint8),
        "table": DRAW.normal(size=(5, 3)),
        "text": ["one two", "two", "two one", "one", "three three"],
        "tokens": [["one", "two"], ["two"], ["two"], ["one"], ["three"]],
    }
    return Pool.from_arrays(payloads[kind], ["x"] * 5 if kind != "tokens" else None)


@pytest.mark.parametrize("kind", ["image", "table", "text", "tokens"])
def test_what_was_learned_survives_json(kind: str) -> None:
    pool = pool_of(kind)
    encoder = encoder_for(pool)
    assert encoder.modality == kind
    encoder.learn(pool)
    again: Encoder = type(encoder)()
    again.restore(json.loads(json.dumps(encoder.state())))
    assert again.learned
    payloads = pool.payloads(pool.rows())
    for one, two in zip(again.present(again.encode(payloads)), encoder.present(encoder.encode(payloads)), strict=True):
        assert torch.equal(one, two)


def test_padded_rows_of_different_widths_are_joined() -> None:
    (whole,) = joined([(torch.ones(1, 2, 3),), (torch.ones(2, 4, 1),)])
    assert whole.shape == (3, 4, 3)
    assert whole.sum() == 6 + 8
