"""Hugging Face checkpoints, on tiny ones that are made here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from querist import tasks
from querist.core.errors import DataError, MissingExtra, UsageError, ViewMissing
from querist.models import make_model
from querist.models.checkpoint import Checkpoint
from querist.models.checkpoint_inputs import CheckpointImages, CheckpointTexts, CheckpointWords
from querist.models.hf import FINE_TUNING, Hf
from querist.pool.pool import Pool
from querist.training.recipe import Recipe
from querist.views import Embeddings, Logits, LogitSamples, Predictions, Probs, Raw
from querist.views.base import primitives

QUICK = Recipe(steps=40, epochs=1, batch=16, lr=5e-3)
TEXTS = [f"the {'cat' if i % 2 else 'dog'} {'sat' if i % 3 else 'ran'}{' far' * (i % 4)}" for i in range(40)]
ANIMALS = ["cat" if i % 2 else "dog" for i in range(40)]


def images(n: int = 40) -> tuple[np.ndarray, list[str]]:
    """Colour images with a bright left or right half."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 80, size=(n, 20, 24, 3), dtype=np.uint8)
    x[::2, :, :12] += 150
    x[1::2, :, 12:] += 150
    return x, ["left", "right"] * (n // 2)


def trained(folder: Path, pool: Pool, kind: str, classes: Any, rows: np.ndarray, **options: Any) -> Hf:
    model = Hf(folder, recipe=options.pop("recipe", QUICK), device="cpu", **options)
    model.prepare(pool, tasks.make_task(kind, classes))
    model.fit(pool, rows, pool.truth(rows), seed=0)
    return model


def test_texts_are_classified(tiny_bert: Path) -> None:
    pool = Pool.from_arrays(TEXTS, ANIMALS)
    model = trained(tiny_bert, pool, "classification", ("cat", "dog"), np.arange(20))
    probs, offsets = model.predict(pool, np.arange(20, 40))
    assert offsets is None
    assert tasks.make_task("classification", ("cat", "dog")).evaluate(probs, None, ANIMALS[20:])["accuracy"] >= 0.9
    views = primitives((Probs(), Embeddings(), Raw(), LogitSamples(samples=3)), model.answers)
    said = model.answer(views, pool, np.arange(40), seed=1).views
    assert torch.allclose(said[Logits()][20:].softmax(-1), probs, atol=1e-5)
    assert said[Embeddings()].shape == (40, 32)
    assert said[Raw()].shape[0] == 40
    samples = said[LogitSamples(samples=3)]
    assert samples.shape == (3, 40, 2)
    assert not torch.allclose(samples[0], samples[1])
    again = model.answer(views, pool, np.arange(40), seed=1).views[LogitSamples(samples=3)]
    assert torch.equal(samples, again)
    # Halves are padded to other widths, and still answer the same.
    halves = [model.answer(views, pool, part, seed=1).views for part in np.split(np.arange(40), 2)]
    for view in views:
        parts = torch.cat([half[view] for half in halves], dim=view.row_axis)
        assert torch.allclose(parts, said[view], atol=1e-5)


def test_the_seed_decides_the_weights_and_globals_stay(tiny_bert: Path) -> None:
    pool = Pool.from_arrays(TEXTS, ANIMALS)
    model = Hf(tiny_bert, recipe=Recipe(steps=2, epochs=1), device="cpu")
    model.prepare(pool, tasks.make_task("classification", ("cat", "dog")))
    torch.manual_seed(5)
    before, versions = torch.get_rng_state(), []
    for seed in (0, 1, 0):
        model.fit(pool, np.arange(8), ANIMALS[:8], seed=seed)
        versions.append(model.version)
    assert versions[0] == versions[2] != versions[1]
    assert torch.equal(before, torch.get_rng_state())


def test_rounds_start_from_the_checkpoint_with_a_new_last_layer(tiny_vit: Path) -> None:
    """The checkpoint's own head for three classes must not decide, although it would fit."""
    x, y = images()
    pool = Pool.from_arrays(x, y)
    model = Hf(tiny_vit, device="cpu")
    model.prepare(pool, tasks.make_task("classification", ("left", "right", "none")))
    one, two, same = (model.source.made(seed).state_dict() for seed in (0, 1, 0))
    changed = {name for name in one if not torch.equal(one[name], two[name])}
    assert changed == {"network.classifier.weight", "network.classifier.bias"}
    assert all(torch.equal(one[name], same[name]) for name in one)
    theirs = Checkpoint(tiny_vit).network("AutoModelForImageClassification").state_dict()
    assert not torch.equal(theirs["classifier.weight"], one["network.classifier.weight"])
    assert torch.equal(theirs["vit.layernorm.weight"], one["network.vit.layernorm.weight"])


@pytest.mark.parametrize("checkpoint", ["tiny_vit", "tiny_resnet"])
def test_images_are_classified(checkpoint: str, request: pytest.FixtureRequest) -> None:
    x, y = images()
    pool = Pool.from_arrays(x, y)
    folder = request.getfixturevalue(checkpoint)
    model = trained(folder, pool, "classification", ("left", "right"), np.arange(20))
    probs, _ = model.predict(pool, np.arange(20, 40))
    assert float((probs.argmax(-1) == torch.arange(20) % 2).float().mean()) >= 0.9
    said = model.answer((Embeddings(), Raw()), pool, np.arange(40), seed=0).views
    assert said[Embeddings()].shape == (40, 32 if checkpoint == "tiny_vit" else 16)
    if checkpoint == "tiny_vit":
        assert model.answer((LogitSamples(samples=2),), pool, np.arange(3), seed=0).views
    else:
        with pytest.raises(ViewMissing, match="dropout"):
            model.answer((LogitSamples(samples=2),), pool, np.arange(3), seed=0)


def test_stored_bytes_present_what_the_processor_would(tiny_vit: Path) -> None:
    x, _ = images(4)
    checkpoint = Checkpoint(tiny_vit)
    encoder = CheckpointImages(checkpoint)
    theirs = checkpoint.image_processor(images=list(x), return_tensors="pt")["pixel_values"]
    stored = encoder.encode(x)
    assert stored[0].dtype == torch.uint8
    assert torch.allclose(encoder.present(stored)[0], theirs, atol=1e-5)
    # Grey images, images of several sizes, and none at all.
    mixed = [x[0], x[1, :10, :, 0]]
    assert encoder.present(encoder.encode(mixed))[0].shape == (2, 3, 16, 16)
    assert encoder.encode([])[0].shape == (0, 3, 16, 16)


def test_multilabel_and_regression(tiny_bert: Path) -> None:
    sets = [[name for name in ("cat", "sat") if name in text.split()] for text in TEXTS]
    pool = Pool.from_arrays(TEXTS, sets)
    model = trained(tiny_bert, pool, "multilabel", ("cat", "sat"), np.arange(20))
    probs, offsets = model.predict(pool, np.arange(20, 40))
    assert probs.shape == (40, 2)
    assert tasks.make_task("multilabel", ("cat", "sat")).evaluate(probs, offsets, sets[20:])["micro_f1"] > 0.8
    lengths = [100.0 + 10 * len(text.split()) for text in TEXTS]
    pool = Pool.from_arrays(TEXTS, lengths)
    model = trained(tiny_bert, pool, "regression", (), np.arange(20), recipe=Recipe(steps=80, epochs=1, lr=5e-3))
    values = model.answer((Predictions(),), pool, np.arange(20, 40), seed=0).views[Predictions()]
    assert float((values - torch.tensor(lengths[20:])).square().mean().sqrt()) < 0.6 * float(np.std(lengths))


class TestWords:
    ROWS = [["the", "cats", "ran", "home"], ["dogly"], ["a", "xyz", "sat"], ["red", "cat"]] * 6
    TAGS = [["O", "B-animal", "O", "O"], ["B-animal"], ["O", "O", "O"], ["O", "B-animal"]] * 6

    def test_tags_of_whole_words_are_learned(self, tiny_bert: Path) -> None:
        pool = Pool.from_arrays(self.ROWS, self.TAGS)
        model = trained(tiny_bert, pool, "tokens", ("O", "B-animal"), np.arange(12))
        probs, offsets = model.predict(pool, np.arange(12, 24))
        assert offsets is not None
        assert offsets.diff().tolist() == [4, 1, 3, 2] * 3
        task = tasks.make_task("tokens", ("O", "B-animal"))
        assert task.evaluate(probs, offsets, self.TAGS[12:])["token_accuracy"] > 0.9
        views = (Logits(), Embeddings(), LogitSamples(samples=2))
        said = model.answer(views, pool, np.arange(24), seed=0)
        assert said.views[Logits()].shape == (60, 2)
        assert said.views[Embeddings()].shape == (24, 32)
        assert said.views[LogitSamples(samples=2)].shape == (2, 60, 2)
        halves = [model.answer(views, pool, part, seed=0).views for part in (np.arange(5), np.arange(5, 24))]
        for view in views:
            parts = torch.cat([half[view] for half in halves], dim=view.row_axis)
            assert torch.allclose(parts, said.views[view], atol=1e-5)

    def test_words_are_read_at_their_first_piece(self, tiny_bert: Path) -> None:
        encoder = CheckpointWords(Checkpoint(tiny_bert), most=10)
        # [CLS] the cat ##s sat [SEP]; the zero-width space has no piece of its own.
        stored = encoder.encode([["the", "cats", "\u200b", "sat"], ["dog"], []])
        pieces, mask, first = encoder.present(stored)
        assert mask.sum(1).tolist() == [6, 3, 2]
        assert first.tolist() == [[1, 2, 0, 4], [1, 0, 0, 0], [0, 0, 0, 0]]
        assert pieces[1].tolist()[3:] == [0, 0, 0]

    def test_words_beyond_the_longest_row_are_still_answered(self, tiny_bert: Path) -> None:
        encoder = CheckpointWords(Checkpoint(tiny_bert), most=5)
        pieces, _, first = encoder.present(encoder.encode([["cat"] * 6]))
        assert pieces.shape == (1, 5)
        assert first.tolist() == [[1, 2, 3, 0, 0, 0]]


def test_texts_are_cut_to_what_the_checkpoint_reads(tiny_bert: Path) -> None:
    encoder = CheckpointTexts(Checkpoint(tiny_bert), most=256)
    assert encoder.longest == 32
    stored = encoder.encode(["cat " * 100, "dog"])
    assert encoder.lengths(stored).tolist() == [32, 3]
    assert encoder.present(tuple(x[1:] for x in stored))[0].shape == (1, 3)
    assert encoder.encode([])[0].shape == (0, 1)


def test_weights_are_stored_and_read(tiny_bert: Path, tmp_path: Path) -> None:
    pool = Pool.from_arrays(TEXTS, ANIMALS)
    model = trained(tiny_bert, pool, "classification", ("cat", "dog"), np.arange(8), recipe=Recipe(steps=2, epochs=1))
    model.save(tmp_path)
    other = Hf(tiny_bert, device="cpu")
    other.prepare(pool, tasks.make_task("classification", ("cat", "dog")))
    other.load(tmp_path)
    assert other.version == model.version
    assert torch.equal(other.predict(pool, np.arange(40))[0], model.predict(pool, np.arange(40))[0])


def test_the_name_makes_the_adapter(tiny_bert: Path) -> None:
    pool = Pool.from_arrays(TEXTS, ANIMALS)
    task = tasks.make_task("classification", ("cat", "dog"))
    model = make_model(f"hf:{tiny_bert}", pool, task, device="cpu", start="warm")
    assert isinstance(model, Hf)
    assert model.recipe == FINE_TUNING
    assert model.source.start == "warm"


class TestRefusals:
    @pytest.mark.parametrize(
        ("source", "message"),
        [
            ("./not/here", r"^there is no checkpoint folder \./not/here; give a folder or a name on the hub$"),
            ("somebody/something", r"^cannot read the AutoConfig of somebody/something: .*give a folder$"),
        ],
    )
    def test_no_checkpoint(self, source: str, message: str) -> None:
        with pytest.raises(DataError, match=message):
            _ = Hf(source).checkpoint.config

    def test_no_checkpoint_in_the_folder(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"holds no checkpoint, it has no config\.json$"):
            Hf(tmp_path)
        (tmp_path / "config.json").write_text("{")
        with pytest.raises(DataError, match="cannot read the AutoConfig"):
            _ = Hf(tmp_path).checkpoint.config

    def test_weights_of_another_network(self, tiny_vit: Path, tiny_bert: Path, tmp_path: Path) -> None:
        for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
            (tmp_path / name).write_bytes((tiny_bert / name).read_bytes())
        (tmp_path / "model.safetensors").write_bytes((tiny_vit / "model.safetensors").read_bytes())
        with pytest.raises(DataError, match=r"are of another network: \d+ of \d+ are missing"):
            Checkpoint(tmp_path).network("AutoModel")

    def test_payloads_that_it_does_not_read(self, tiny_bert: Path, tiny_vit: Path) -> None:
        task = tasks.make_task("classification", ("a", "b"))
        table = Pool.from_arrays(np.eye(4, dtype=np.float32), ["a", "b", "a", "b"])
        with pytest.raises(UsageError, match="checkpoints do not read a table; try --model mlp"):
            Hf(tiny_bert).prepare(table, task)
        with pytest.raises(UsageError, match="does not answer tokens for payloads of text"):
            Hf(tiny_bert).prepare(Pool.from_arrays(["a", "b"]), tasks.make_task("tokens", ("O",)))
        pictures = Pool.from_arrays(np.zeros((4, 8, 8), np.uint8), ["a", "b", "a", "b"])
        with pytest.raises(DataError, match="cannot read the AutoImageProcessor"):
            Hf(tiny_bert).prepare(pictures, task)
        with pytest.raises(DataError, match="cannot read the AutoTokenizer"):
            Hf(tiny_vit).prepare(Pool.from_arrays(["a", "b"], ["a", "b"]), task)

    def test_missing_extra(self, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        import importlib

        real = importlib.import_module

        def without(name: str, *rest: Any) -> Any:
            if name.split(".")[0] == "transformers":
                raise ModuleNotFoundError(f"No module named {name!r}", name="transformers")
            return real(name, *rest)

        monkeypatch.setattr(importlib, "import_module", without)
        with pytest.raises(MissingExtra, match=r"pip install 'querist\[hf\]'"):
            Hf(tiny_bert)
