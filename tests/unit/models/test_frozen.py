"""A frozen encoder runs once; a head is trained on what it said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from querist import tasks
from querist.core.errors import DataError, NonFinite, UsageError
from querist.models import make_model
from querist.models.checkpoint import Checkpoint
from querist.models.embedded_pool import CheckpointEmbedder
from querist.models.frozen import Frozen
from querist.pool.pool import Pool
from querist.views import Embeddings, Logits, LogitSamples, Predictions, Probs, Raw
from querist.views.base import primitives

TASK = tasks.make_task("classification", ("a", "b"))


class Counting(nn.Module):
    """An encoder that counts the rows it reads."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.layer = nn.Linear(4, width)
        with torch.no_grad():
            draws = torch.randn(width, 4, generator=torch.Generator().manual_seed(0))
            self.layer.weight.copy_(draws)
            self.layer.bias.zero_()
        self.rows: list[int] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.rows.append(len(x))
        out: torch.Tensor = self.layer(x).tanh()
        return out

    def __deepcopy__(self, memo: Any) -> Counting:
        # The copy that is used counts into the same list.
        copied = Counting(self.layer.out_features)
        copied.load_state_dict(self.state_dict())
        copied.rows = self.rows
        return copied


def table_pool(n: int = 40) -> Pool:
    x = np.random.default_rng(0).normal(size=(n, 4)).astype(np.float32)
    y = ["a" if value > 0 else "b" for value in x[:, 0]]
    return Pool.from_arrays(x[: n - 10], y[: n - 10], test=(x[n - 10 :], y[n - 10 :]))


def prepared(encoder: Any, pool: Pool, cache: Path, **options: Any) -> Frozen:
    task = options.pop("task", TASK)
    model = Frozen(encoder, cache=cache, device="cpu", **options)
    model.prepare(pool, task)
    return model


@pytest.mark.parametrize("hidden", [0, 16])
def test_head_learns_and_answers(tmp_path: Path, hidden: int) -> None:
    pool, encoder = table_pool(200), Counting()
    encoder.train()
    model = prepared(encoder, pool, tmp_path, hidden=hidden, inference_batch=32)
    assert model.version == ""
    rows = pool.rows()[:60]
    model.fit(pool, rows, pool.truth(rows), seed=0, members=2)
    test = pool.rows("test")
    probs, offsets = model.predict(pool, test)
    assert offsets is None
    assert TASK.evaluate(probs, None, pool.truth(test))["accuracy"] >= 0.9
    wanted = (Probs(), Embeddings(), Raw(), LogitSamples(samples=3), LogitSamples(samples=2, source="ensemble"))
    views = primitives(wanted, model.answers)
    said = model.answer(views, pool, pool.rows(), seed=0).views
    assert said[Embeddings()].shape == (190, hidden or 8)
    assert said[Raw()].shape == (190, 8)
    assert said[LogitSamples(samples=3)].shape == (3, 190, 2)
    assert not torch.equal(*said[LogitSamples(samples=2, source="ensemble")])
    assert torch.equal(said[LogitSamples(samples=2, source="ensemble")][0], said[Logits()])
    assert sum(encoder.rows) == 200, "the encoder reads each row once"
    assert encoder.training, "the caller's module is left as it was"


def test_embeddings_are_read_back_from_the_file(tmp_path: Path) -> None:
    pool = table_pool()
    first = Counting()
    said = prepared(first, pool, tmp_path).answer((Raw(),), pool, pool.rows(), seed=0).views[Raw()]
    assert sum(first.rows) == 40
    second = Counting()
    again = prepared(second, pool, tmp_path).answer((Raw(),), pool, pool.rows(), seed=0).views[Raw()]
    assert second.rows == []
    assert torch.equal(said, again)
    assert [file.suffix for file in tmp_path.iterdir()] == [".npy"]
    # Other weights and other rows are other embeddings.
    other = Counting()
    nn.init.ones_(other.layer.bias)
    prepared(other, pool, tmp_path).answer((Raw(),), pool, pool.rows(), seed=0)
    third = Counting()
    prepared(third, table_pool(50), tmp_path).answer((Raw(),), table_pool(50), np.arange(3), seed=0)
    assert sum(other.rows) == 40
    assert sum(third.rows) == 50
    assert len(list(tmp_path.iterdir())) == 3


def test_raw_is_what_the_encoder_says_standardised(tmp_path: Path) -> None:
    pool, encoder = table_pool(), Counting()
    x = torch.as_tensor(np.asarray(pool.payloads(np.arange(40))))
    train = x[:30]
    with torch.no_grad():
        theirs = encoder((x - train.mean(0)) / train.std(0, correction=0)).numpy()
    mean, std = theirs[:30].mean(0), theirs[:30].std(0)
    said = prepared(encoder, pool, tmp_path).answer((Raw(),), pool, np.arange(40), seed=0).views[Raw()]
    assert said.numpy() == pytest.approx((theirs - mean) / std, abs=1e-4)


def test_only_rows_that_join_are_embedded(tmp_path: Path) -> None:
    pool, encoder = table_pool(), Counting()
    model = prepared(encoder, pool, tmp_path)
    rows = pool.rows()[:20]
    model.fit(pool, rows, pool.truth(rows), seed=0)
    new = pool.add(np.ones((3, 4), dtype=np.float32), origin="synthesised")
    probs, _ = model.predict(pool, np.append(rows, new))
    assert probs.shape == (23, 2)
    assert sum(encoder.rows) == 43
    assert torch.equal(probs[20], probs[21])


def test_another_pool_is_answered_too(tmp_path: Path) -> None:
    pool = table_pool()
    model = prepared(Counting(), pool, tmp_path)
    model.fit(pool, pool.rows()[:20], pool.truth(pool.rows()[:20]), seed=0)
    rows = pool.rows("test")
    other = Pool.from_arrays(np.asarray(pool.payloads(rows)))
    assert torch.allclose(model.predict(other, other.rows())[0], model.predict(pool, rows)[0], atol=1e-6)


def test_progress_covers_the_embedding(tmp_path: Path) -> None:
    shares: list[float] = []
    pool = table_pool()
    prepared(Counting(), pool, tmp_path, inference_batch=10).answer(
        (Raw(),), pool, pool.rows(), seed=0, progress=shares.append
    )
    assert shares[:4] == pytest.approx([0.225, 0.45, 0.675, 0.9])
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_weights_are_stored_and_read(tmp_path: Path) -> None:
    pool = table_pool()
    model = prepared(Counting(), pool, tmp_path / "cache")
    model.fit(pool, pool.rows()[:20], pool.truth(pool.rows()[:20]), seed=0)
    model.save(tmp_path / "model")
    other = prepared(Counting(), pool, tmp_path / "cache")
    other.load(tmp_path / "model")
    assert other.version == model.version != ""
    assert torch.equal(other.predict(pool, pool.rows())[0], model.predict(pool, pool.rows())[0])


def test_regression(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(80, 4)).astype(np.float32)
    y = [float(value) for value in 50 + 10 * x[:, 1]]
    pool = Pool.from_arrays(x, y)
    model = Frozen(nn.Identity(), cache=tmp_path, device="cpu", dropout=0.0)
    model.prepare(pool, tasks.make_task("regression"))
    model.fit(pool, np.arange(60), y[:60], seed=0)
    assert model.predict(pool, np.arange(60, 80))[0].numpy() == pytest.approx(np.array(y[60:]), abs=1.0)
    assert model.answers(Predictions())
    assert not model.answers(LogitSamples(samples=2))


def test_images_through_a_checkpoint(tiny_vit: Path, tiny_resnet: Path, tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 80, size=(60, 20, 20), dtype=np.uint8)
    x[::2, :, :10] += 150
    x[1::2, :, 10:] += 150
    pool = Pool.from_arrays(x, ["a", "b"] * 30)
    for folder, width in ((tiny_vit, 32), (tiny_resnet, 16)):
        model = make_model(f"frozen:{folder}", pool, TASK, device="cpu", start="scratch", cache=tmp_path)
        model.prepare(pool, TASK)
        model.fit(pool, np.arange(30), ["a", "b"] * 15, seed=0)
        said = model.answer((Embeddings(), Logits()), pool, np.arange(60), seed=0).views
        assert said[Embeddings()].shape == (60, width)
        right = said[Logits()][30:].argmax(-1) == torch.arange(30) % 2
        assert float(right.float().mean()) >= 0.9


def test_texts_through_a_checkpoint(tiny_bert: Path, tmp_path: Path) -> None:
    texts = [f"the {'cat' if i % 2 else 'dog'} sat{' far' * (i % 4)}" for i in range(40)]
    pool = Pool.from_arrays(texts, ["b" if i % 2 else "a" for i in range(40)])
    model = prepared(str(tiny_bert), pool, tmp_path)
    model.fit(pool, np.arange(20), pool.truth(np.arange(20)), seed=0)
    assert float((model.predict(pool, np.arange(20, 40))[0].argmax(-1) == torch.arange(20) % 2).float().mean()) >= 0.9


def test_pooling_by_hand(tiny_bert: Path, tiny_vit: Path) -> None:
    checkpoint = Checkpoint(tiny_bert)
    pieces, mask = torch.tensor([[2, 5, 3], [2, 3, 0]]), torch.tensor([[1, 1, 1], [1, 1, 0]])
    with torch.no_grad():
        mean = CheckpointEmbedder(checkpoint, "text", pooling="auto").eval()
        states = mean.network(pieces, attention_mask=mask).last_hidden_state
        assert torch.allclose(mean(pieces, mask)[1], states[1, :2].mean(0), atol=1e-6)
        first = CheckpointEmbedder(checkpoint, "text", pooling="cls").eval()
        assert torch.allclose(first(pieces, mask), states[:, 0], atol=1e-6)
        pixels = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
        image = CheckpointEmbedder(Checkpoint(tiny_vit), "image", pooling="auto").eval()
        tokens = image.network(pixels).last_hidden_state
        assert torch.allclose(image(pixels), tokens[:, 0], atol=1e-6)
        spread = CheckpointEmbedder(Checkpoint(tiny_vit), "image", pooling="mean").eval()
        assert torch.allclose(spread(pixels), tokens.mean(1), atol=1e-6)


def test_networks_with_image_features_of_their_own_give_those(tmp_path: Path) -> None:
    from transformers import CLIPConfig, CLIPModel

    part = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    text = {**part, "vocab_size": 20, "max_position_embeddings": 8, "bos_token_id": 1, "eos_token_id": 2}
    config = CLIPConfig(text_config=text, vision_config={**part, "image_size": 16, "patch_size": 8}, projection_dim=6)
    CLIPModel(config).save_pretrained(tmp_path)
    pixels = torch.zeros(2, 3, 16, 16)
    with torch.no_grad():
        embedder = CheckpointEmbedder(Checkpoint(tmp_path), "image", pooling="auto").eval()
        assert embedder(pixels).shape == (2, 6)
        theirs = embedder.network.visual_projection(embedder.network.vision_model(pixels).pooler_output)
    assert torch.allclose(embedder(pixels), theirs, atol=1e-6)


class TestRefusals:
    def test_tokens(self, tmp_path: Path) -> None:
        pool = Pool.from_arrays([["a"], ["b"]], [["O"], ["O"]])
        with pytest.raises(UsageError, match="tokens need one each; try --model hf:"):
            prepared(Counting(), pool, tmp_path, task=tasks.make_task("tokens", ("O",)))

    def test_missing_folder(self) -> None:
        with pytest.raises(DataError, match=r"there is no checkpoint folder \./nowhere/else"):
            Frozen("./nowhere/else")

    @pytest.mark.parametrize("option", [{"pooling": "max"}, {"dropout": 1.0}])
    def test_options(self, option: dict[str, Any]) -> None:
        with pytest.raises(UsageError):
            Frozen(nn.Identity(), **option)

    def test_a_row_without_a_finite_embedding_is_named(self, tmp_path: Path) -> None:
        class Log(nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return x.sign() / (x - x[:, :1] + (x[:, 1:2] != x.max()).float())

        pool = table_pool()
        model = prepared(Log(), pool, tmp_path, inference_batch=7)
        with pytest.raises(NonFinite, match=r"the embedding of row \d+ is not finite") as caught:
            model.answer((Raw(),), pool, pool.rows(), seed=0)
        assert isinstance(caught.value.row, int)
        assert not list(tmp_path.iterdir()), "nothing half-written"

    def test_no_vectors(self, tmp_path: Path) -> None:
        class Flat(nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return x.sum(1)

        pool = table_pool()
        with pytest.raises(DataError, match=r"the encoder gives \[32\] for 32 rows; it must give a vector a row"):
            prepared(Flat(), pool, tmp_path).answer((Raw(),), pool, pool.rows(), seed=0)

    def test_a_cache_that_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        pool = table_pool()
        with pytest.raises(DataError, match=r"embeddings cannot be kept in .*; give another folder with cache="):
            prepared(Counting(), pool, tmp_path / "file").answer((Raw(),), pool, pool.rows(), seed=0)
