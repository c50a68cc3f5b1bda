"""The torch adapter: trains, repeats itself, and answers rows independently, for every task and ready network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from querist.core.errors import ColdStart, DataError, QueristError, UnknownName, UsageError, ViewMissing
from querist.models import TorchModule, default_model, make_model
from querist.pool.pool import Pool
from querist.tasks import make_task
from querist.tasks.base import Task
from querist.training.fit import Trainable, Trained
from querist.training.recipe import Recipe
from querist.views import Embeddings, Logits, LogitSamples, Predictions, PredictionSamples, Raw
from querist.views.base import View

N = 60
SIDES = ("left", "right")


def image_pool() -> Pool:
    """Bright on the left or bright on the right."""
    draw = np.random.default_rng(0)
    right = draw.integers(0, 2, N)
    x = draw.integers(0, 100, (N, 8, 8))
    x[right == 0, :, :4] += 100
    x[right == 1, :, 4:] += 100
    return Pool.from_arrays(x.astype(np.uint8), [SIDES[one] for one in right])


def table_pool() -> Pool:
    """A line, far from zero, in a large unit."""
    x = np.random.default_rng(0).normal(size=(N, 3))
    return Pool.from_arrays(x, 5000 + 300 * x[:, 0])


def text_pool() -> Pool:
    draw = np.random.default_rng(0)
    words = {"sport": ["goal", "match", "team"], "money": ["bank", "share", "rate"]}
    kinds = [("sport", "money")[one] for one in draw.integers(0, 2, N)]
    texts = [" ".join(draw.choice([*words[kind], "the", "a"], size=draw.integers(2, 15))) for kind in kinds]
    return Pool.from_arrays(texts, kinds)


def token_pool() -> Pool:
    """Capitals are names."""
    draw = np.random.default_rng(0)
    rows = [list(draw.choice(["Ada", "Bob", "sees", "and", "the"], size=draw.integers(1, 9))) for _ in range(N)]
    rows = [[str(word) for word in row] for row in rows]
    return Pool.from_arrays(rows, [["B-person" if word[0].isupper() else "O" for word in row] for row in rows])


POOLS = {"image": image_pool, "table": table_pool, "text": text_pool, "tokens": token_pool}
NETS: dict[str, tuple[str, dict[str, Any]]] = {
    "mlp": ("image", {}),
    "cnn": ("image", {}),
    "resnet": ("image", {"width": 4, "blocks": (1, 1), "dropout": 0.2}),
    "regression": ("table", {}),
    "text_cnn": ("text", {}),
    "bilstm": ("tokens", {"hidden": 16}),
}


def made(net: str, **options: Any) -> tuple[TorchModule, Pool, Task]:
    kind, given = NETS[net]
    pool = POOLS[kind]()
    task = make_task(*pool.suggest_task())
    name = default_model(pool, task) if net == "regression" else net
    model = make_model(name, pool, task, device="cpu", **{"steps": 30, "epochs": 1, **given, **options})
    assert isinstance(model, TorchModule)
    model.prepare(pool, task)
    return model, pool, task


def views_of(task: Task, source: str = "dropout", samples: int = 3) -> list[View]:
    if task.kind == "regression":
        return [Predictions(), Embeddings(), PredictionSamples(samples=samples, source=source), Raw()]  # type: ignore[arg-type]
    return [Logits(), Embeddings(), LogitSamples(samples=samples, source=source), Raw()]  # type: ignore[arg-type]


def train(model: TorchModule, pool: Pool, n: int = 30, **options: Any) -> Any:
    rows = pool.rows()[:n]
    return model.fit(pool, rows, pool.truth(rows), **{"seed": 3, **options})


@pytest.mark.parametrize("net", NETS)
def test_every_net_learns_repeats_itself_and_leaves_global_generators(net: str) -> None:
    before, versions = torch.random.get_rng_state(), []
    for seed in (3, 3, 4):
        model, pool, task = made(net, steps=120)
        assert model.version == ""
        train(model, pool, seed=seed)
        versions.append(model.version)
    assert torch.equal(before, torch.random.get_rng_state())
    assert versions[0] == versions[1] != versions[2]
    rest = pool.rows()[30:]
    answers, offsets = model.predict(pool, rest)
    scores = task.evaluate(answers, offsets, pool.truth(rest))
    assert (scores["rmse"] < 150) if task.kind == "regression" else (scores[task.metrics[0]] > 0.85)


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("source", ["dropout", "ensemble"])
def test_two_halves_equal_the_whole(net: str, source: str) -> None:
    model, pool, task = made(net)
    train(model, pool, members=3 if source == "ensemble" else 1)
    views = views_of(task, source)
    rows = pool.rows()
    whole = model.answer(views, pool, rows, seed=5)
    halves = [model.answer(views, pool, part, seed=5) for part in (rows[:23], rows[23:])]
    model.inference_batch = 7
    small = model.answer(views, pool, rows, seed=5)
    for view in views:
        both = torch.cat([half.views[view] for half in halves], dim=view.row_axis)
        torch.testing.assert_close(both, whole.views[view], rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(small.views[view], whole.views[view], rtol=1e-4, atol=1e-4)
    samples = whole.views[views[2]]
    assert len(samples) == 3
    assert float(samples.std(0).max()) > 1e-3
    if source == "ensemble":
        torch.testing.assert_close(samples[0], whole.views[views[0]])


def test_units_of_tokens_stand_where_offsets_say() -> None:
    model, pool, task = made("bilstm", steps=120)
    train(model, pool)
    rows = pool.rows()
    answers = model.answer([Logits(), Embeddings()], pool, rows, seed=0)
    offsets = answers.offsets
    assert offsets is not None
    assert offsets.diff().tolist() == [len(pool[row]) for row in rows]
    logits = answers.views[Logits()]
    assert logits.shape == (int(offsets[-1]), 2)
    assert answers.views[Embeddings()].shape[0] == N
    for pos in (0, 17, 59):  # a row by itself, in a batch without any padding
        (alone,) = model.answer([Logits()], pool, rows[pos : pos + 1], seed=0).views.values()
        torch.testing.assert_close(alone, logits[offsets[pos] : offsets[pos + 1]], rtol=1e-4, atol=1e-4)
    assert task.evaluate(logits.softmax(-1), offsets, pool.truth(rows))["entity_f1"] > 0.9


def test_regression_answers_in_the_unit_of_the_labels() -> None:
    model, pool, _ = made("regression", steps=200)
    train(model, pool)
    answers = model.answer([Predictions(), PredictionSamples(samples=20)], pool, pool.rows(), seed=0).views
    truth = torch.tensor(pool.truth(pool.rows()))
    assert float((answers[Predictions()] - truth).abs().mean()) < 100
    samples = answers[PredictionSamples(samples=20)]
    assert samples.shape == (20, N)
    assert float((samples.mean(0) - truth).abs().mean()) < 150


def test_multilabel_units_are_pairs_of_row_and_class() -> None:
    x = np.random.default_rng(0).normal(size=(N, 2))
    pool = Pool.from_arrays(x, (x > 0).astype(int))
    task = make_task(*pool.suggest_task())
    assert task.kind == "multilabel"
    model = make_model("mlp", pool, task, steps=200)
    model.prepare(pool, task)
    train(model, pool)  # type: ignore[arg-type]
    answers = model.answer([Logits(), Embeddings()], pool, pool.rows(), seed=0)
    assert answers.views[Logits()].shape == (2 * N, 2)
    assert answers.offsets is not None
    assert answers.offsets.tolist() == list(range(0, 2 * N + 1, 2))
    probs, offsets = model.predict(pool, pool.rows())
    assert task.evaluate(probs, offsets, pool.truth(pool.rows()))["micro_f1"] > 0.85


def test_member_zero_is_the_single_network() -> None:
    model, pool, _ = made("mlp")
    train(model, pool)
    alone = model.predict(pool, pool.rows())[0]
    train(model, pool, members=3)
    assert torch.equal(model.predict(pool, pool.rows())[0], alone)
    with pytest.raises(ViewMissing, match="4 networks were asked, 3 are trained; fit with members=4"):
        model.answer([LogitSamples(samples=4, source="ensemble")], pool, pool.rows(), seed=0)


@pytest.mark.parametrize(("start", "same"), [("scratch", True), ("initial", True), ("warm", False)])
def test_cold_starts_forget_the_last_round_and_warm_ones_do_not(start: Any, same: bool) -> None:
    pool = image_pool()
    net: Any = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 2))
    model = TorchModule(net, start=start, recipe=Recipe(steps=10, epochs=1))
    model.prepare(pool, make_task("classification", SIDES))
    versions = []
    for _ in range(2):
        train(model, pool, 10)
        versions.append(model.version)
    assert (versions[0] == versions[1]) is same


def test_one_forward_pass_serves_all_views() -> None:
    calls = {"trunk": 0, "last": 0}

    class Counted(nn.Linear):
        part = "trunk"

        def forward(self, x: Tensor) -> Tensor:
            calls[self.part] += 1
            return super().forward(x)

    class Last(Counted):
        part = "last"

    pool = image_pool()
    model = TorchModule(
        lambda: nn.Sequential(nn.Flatten(), Counted(64, 8), nn.Dropout(), Last(8, 2)),
        recipe=Recipe(steps=2, epochs=1),
        inference_batch=20,
    )
    model.prepare(pool, make_task("classification", SIDES))
    train(model, pool)
    calls.update(trunk=0, last=0)
    views = [Logits(), Embeddings(), LogitSamples(samples=5), LogitSamples(samples=2)]
    answers = model.answer(views, pool, pool.rows(), seed=0).views
    assert calls == {"trunk": 3, "last": 3 * 6}  # 60 rows in batches of 20
    assert torch.equal(answers[views[3]], answers[views[2]][:2])


def test_embeddings_are_what_the_last_layer_reads() -> None:
    model, pool, _ = made("cnn")
    train(model, pool)
    answers = model.answer([Logits(), Embeddings()], pool, pool.rows(), seed=0).views
    last = model._members[0].get_submodule(model.anatomy.last_layer or "")
    torch.testing.assert_close(last(answers[Embeddings()]), answers[Logits()], rtol=1e-4, atol=1e-4)


def test_your_own_module_reads_payload_arrays_as_they_are() -> None:
    x = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    pool = Pool.from_arrays(x, [SIDES[one] for one in (x[:, 0] > 0).astype(int)])
    seen: list[Tensor] = []

    class Mine(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.LazyLinear(8)
            self.last = nn.Linear(8, 2)

        def forward(self, rows: Tensor) -> Tensor:
            seen.append(rows)
            return self.last(self.body(rows).relu())  # type: ignore[no-any-return]

    model = TorchModule(Mine(), encoder=None, recipe=Recipe(steps=60, lr=0.05))
    model.prepare(pool, make_task("classification", SIDES))
    assert torch.equal(seen[0], torch.as_tensor(x[:2]))
    train(model, pool, 20)
    answers, offsets = model.predict(pool, pool.rows()[:20])
    assert model.task.evaluate(answers, offsets, pool.truth(pool.rows()[:20]))["accuracy"] > 0.9
    assert model.answers(Embeddings())
    assert not model.answers(LogitSamples())
    assert model.answers(LogitSamples(source="ensemble"))
    with pytest.raises(
        ViewMissing, match="without dropout; ask for source='laplace' or 'ensemble', or choose a model with dropout"
    ):
        model.answer([LogitSamples()], pool, pool.rows(), seed=0)


def test_raw_needs_no_training_and_everything_else_says_so() -> None:
    model, pool, _ = made("cnn")
    assert model.answer([Raw()], pool, pool.rows(), seed=0).views[Raw()].shape == (N, 64)
    with pytest.raises(ColdStart, match="Logits was asked of a model that is not trained"):
        model.answer([Logits()], pool, pool.rows(), seed=0)
    with pytest.raises(ColdStart, match="without labels"):
        model.fit(pool, np.array([], dtype=np.int64), [], seed=0)
    with pytest.raises(ViewMissing, match="does not answer Predictions"):
        model.answer([Predictions()], pool, pool.rows(), seed=0)


def test_the_batch_halves_when_memory_runs_out_and_stays_so() -> None:
    class Hungry(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            if not self.training and len(x) > 9:
                raise torch.OutOfMemoryError("too much")
            return super().forward(x)

    pool = table_pool()
    model = TorchModule(lambda: Hungry(3, 1), recipe=Recipe(steps=5, epochs=1), inference_batch=32)
    model.prepare(pool, make_task("regression"))
    train(model, pool)
    assert model.predict(pool, pool.rows())[0].shape == (N,)
    assert model.found["inference_batch"] == 8  # 32, 16, 8


def test_a_batch_size_is_found_from_what_a_row_takes() -> None:
    small, large = made("mlp")[0], made("resnet", width=32)[0]
    assert small.inference_batch is not None
    assert large.inference_batch is not None
    assert small.inference_batch > large.inference_batch >= 16


def test_a_loss_that_is_not_finite_is_one_line() -> None:
    model, pool, _ = made("mlp", lr=1e30)
    with pytest.raises(QueristError, match=r"training loss became (nan|inf) at step"):
        train(model, pool)


@pytest.mark.parametrize("net", NETS)
def test_a_saved_model_answers_the_same(net: str, tmp_path: Path) -> None:
    model, pool, _ = made(net)
    train(model, pool, members=2)
    model.save(tmp_path)
    again, _, _ = made(net)
    again.load(tmp_path)
    assert again.version == model.version != ""
    assert torch.equal(again.predict(pool, pool.rows())[0], model.predict(pool, pool.rows())[0])


def test_a_saved_model_of_another_shape_is_refused(tmp_path: Path) -> None:
    model, pool, _ = made("mlp")
    train(model, pool)
    model.save(tmp_path)
    other, _, _ = made("mlp", width=32)
    with pytest.raises(DataError, match="of another network"):
        other.load(tmp_path)


def test_new_data_are_read_as_the_pool_was() -> None:
    model, pool, _ = made("text_cnn")
    train(model, pool)
    rows = pool.rows()[:9]
    new = Pool.from_arrays(pool.payloads(rows), modality="text")
    torch.testing.assert_close(model.predict(new, new.rows())[0], model.predict(pool, rows)[0], rtol=1e-5, atol=1e-6)


def test_a_validation_set_stops_a_training_early() -> None:
    model, pool, _ = made("mlp", steps=400, converged=0.0)
    rows = pool.rows()[30:]
    noise = [SIDES[pos % 2] for pos in range(len(rows))]
    report = train(model, pool, validation=(rows, noise))
    assert report.steps < 400


def test_a_training_of_your_own_takes_the_place_of_the_recipe() -> None:
    pool, task = image_pool(), make_task("classification", SIDES)
    seen: list[tuple[int, bool, int]] = []

    def mine(trainable: Trainable, *, seed: int, progress: Any = None) -> Trained:
        rng = torch.Generator().manual_seed(seed)
        optimiser = torch.optim.SGD(trainable.module.parameters(), lr=0.05)
        loss = torch.zeros(())
        for step in range(7):
            loss = trainable.losses(trainable.batch(torch.arange(len(trainable)), rng)).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if progress is not None:
                progress((step + 1) / 7)
        seen.append((len(trainable), trainable.module.training, seed))
        return Trained(steps=7, loss=float(loss.detach()))

    def net() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 2))

    model, shares = TorchModule(net, training=mine, device="cpu"), []
    model.prepare(pool, task)
    before = torch.random.get_rng_state()
    report = train(model, pool, members=2, progress=shares.append)
    version = model.version
    assert report.steps == 7
    assert [(rows, training) for rows, training, _ in seen] == [(30, True), (30, True)]
    assert seen[0][2] != seen[1][2]
    assert shares[-1] == 1.0
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not any(part.training for member in model._members for part in member.modules())
    train(model, pool, members=2)
    assert model.version == version  # dropout and all


def test_progress_covers_all_members() -> None:
    model, pool, _ = made("mlp")
    shares: list[float] = []
    train(model, pool, members=3, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert any(0.4 < share < 0.6 for share in shares)


def test_names_and_options_that_nothing_has_are_refused() -> None:
    pool, task = image_pool(), make_task("classification", SIDES)
    with pytest.raises(UnknownName, match="no model is called 'cn'; did you mean 'cnn'"):
        make_model("cn", pool, task)
    with pytest.raises(UnknownName, match="'stepz'; did you mean 'steps'"):
        make_model("cnn", pool, task, stepz=3)
    with pytest.raises(UnknownName, match="no option of the model sklearn is called 'dimension'; did you mean"):
        make_model("sklearn:LogisticRegression", pool, task, dimension=3)
    with pytest.raises(UsageError, match="TextCnn reads text, the pool holds image"):
        make_model("text_cnn", pool, task)
    with pytest.raises(UsageError, match="no ready model reads image for tokens"):
        default_model(pool, make_task("tokens", ["O"]))
    with pytest.raises(UsageError, match=r"Linear cannot read inputs of the shape \[2, 1, 8, 8\]"):
        TorchModule(lambda: nn.Linear(3, 2)).prepare(pool, task)
