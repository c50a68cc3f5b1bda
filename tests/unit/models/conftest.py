"""Tiny checkpoints in the format of transformers, made once a session: there is no network to download any."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

WORDS = ["the", "a", "cat", "dog", "sat", "ran", "red", "blue", "far", "home", "##s", "##ly", "x", "##y", "##z"]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]


def _save(folder: Path, *parts: Any) -> Path:
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    for part in parts:
        part.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A two-layer BERT encoder without any head, and its WordPiece tokenizer."""
    from transformers import BertConfig, BertModel, BertTokenizer

    config = BertConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=34,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertModel(config)
    tokenizer = BertTokenizer(vocab={word: pos for pos, word in enumerate(VOCABULARY)})
    return _save(tmp_path_factory.mktemp("bert"), model, tokenizer)


@pytest.fixture(scope="session")
def tiny_vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A two-layer ViT for 16 x 16 pixels, with a head for three classes that nobody asked for."""
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessorPil

    config = ViTConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=16,
        patch_size=8,
        hidden_dropout_prob=0.1,
        num_labels=3,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = ViTForImageClassification(config)
    processor = ViTImageProcessorPil(size={"height": 16, "width": 16})
    return _save(tmp_path_factory.mktemp("vit"), model, processor)


@pytest.fixture(scope="session")
def tiny_resnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A two-stage ResNet, which has neither tokens nor dropout."""
    from transformers import ResNetConfig, ResNetModel, ViTImageProcessorPil

    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = ResNetModel(config)
    processor = ViTImageProcessorPil(size={"height": 32, "width": 32})
    return _save(tmp_path_factory.mktemp("resnet"), model, processor)
