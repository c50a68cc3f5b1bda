"""The first rows, before any label: who may choose them, by what, and that they show more classes than chance does."""

import json
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

import querist as q
from querist.core.errors import SettingsDiffer, UnknownName, UsageError
from querist.loop.cold_start import initial_strategy, model_free
from querist.loop.progress import RoundEnded
from querist.loop.run import JOURNAL, run
from querist.loop.settings import RunSettings
from querist.models import Frozen
from querist.storage.journal import Journal
from querist.strategies import ColdStart, Random, TypiClust, registry
from querist.strategies.base import Strategy
from querist.views import Embeddings, Labels, Raw


@dataclass(frozen=True, kw_only=True)
class Witness(Strategy):
    """Notes what it is shown."""

    family: ClassVar = "density"
    seen: ClassVar[list[torch.Tensor]] = []

    def needs(self):
        return (Embeddings(), Raw(), Labels())

    def pick(self, *views, at, k, rng):
        self.seen[:] = views
        return at.candidates[:k]


@pytest.fixture(scope="module")
def digits():
    pool = q.open("digits")
    model = q.models.make_model("mlp", pool, q.Classification([str(digit) for digit in range(10)]))
    return pool, model


def classes_shown(digits, initial, seed, k=20):
    pool, model = digits
    rows = q.Session(pool, model=model, initial=initial, seed=seed).ask(k)
    return len(set(pool.truth(rows)))


def test_chosen_first_rows_show_more_classes_than_random_ones(digits):
    """Digits, 20 rows, 12 seeds: 10 classes in 20 draws are 8.8 on average, so a choice must show half a class more."""
    chance = [classes_shown(digits, "random", seed) for seed in range(12)]
    error = np.std(chance, ddof=1) / np.sqrt(len(chance))
    for initial in ("cold_start", "typi_clust", ColdStart(by="typical"), "farthest_first"):
        shown = [classes_shown(digits, initial, seed) for seed in range(12)]
        margin = 0.5 if initial == "farthest_first" else 0.9
        assert np.mean(shown) >= np.mean(chance) + margin, initial
        assert np.mean(shown) > np.mean(chance) + 2 * error, initial


@pytest.mark.parametrize("name", model_free("classification"))
def test_every_strategy_without_labels_may_begin(pool, make_model, name):
    first, again = (q.Session(pool, model=make_model(), initial=name, seed=4).ask(10) for _ in range(2))
    assert len(set(first)) == 10
    assert first.tolist() == again.tolist()


def test_who_may_begin_is_found_and_not_listed():
    names = model_free("classification")
    assert {"random", "cold_start", "typi_clust", "core_set", "farthest_first", "max_herding", "prob_cover"} <= set(
        names
    )
    assert {"diverse_mini_batch", "uncertainty_herding"} <= set(names), "they do with less while nothing is labelled"
    for name in names:
        assert set(registry[name]().needs_at_first("classification")) <= {Embeddings(), Raw(), Labels()}, name
    for name in ("badge", "margin", "bald", "similar", "bait"):
        assert name not in names
    assert "bait" in model_free("regression"), "there it reads embeddings alone"


@pytest.mark.parametrize("name", ["badge", "margin", "similar"])
def test_what_needs_a_model_is_refused(pool, name):
    with pytest.raises(UsageError, match=f"{name} needs a trained model.*random"):
        q.Session(pool, initial=name)


def test_other_refusals(pool):
    with pytest.raises(UnknownName, match="did you mean 'cold_start'"):
        initial_strategy("cold_stat")
    with pytest.raises(UsageError, match="no meaning for the task tokens"):
        initial_strategy(Witness(), "tokens")
    with pytest.raises(UsageError, match="choose kmeans, typical, k_center, random"):
        ColdStart(by="magic")


def test_a_strategy_with_options_begins(pool, make_model):
    few = q.Session(pool, model=make_model(), initial=TypiClust(neighbours=1, least_size=1), seed=0).ask(10)
    many = q.Session(pool, model=make_model(), initial=TypiClust(neighbours=20), seed=0).ask(10)
    assert few.tolist() != many.tolist()


def test_the_ways_are_the_strategies_of_that_name(pool, make_model):
    for by, name in (("typical", "typi_clust"), ("k_center", "core_set"), ("random", "random")):
        own = q.Session(pool, model=make_model(), initial=ColdStart(by=by), seed=2).ask(10)
        assert own.tolist() == q.Session(pool, model=make_model(), initial=name, seed=2).ask(10).tolist()
    assert ColdStart(by="random").needs() == Random().needs() == ()


def test_it_sees_the_inputs_and_no_label(pool, make_model):
    q.Session(pool, model=make_model(), initial=Witness(), seed=0).ask(3)
    embeddings, raw, labels = Witness.seen
    train = torch.from_numpy(np.stack([pool[row] for row in pool.rows("train")]))
    assert torch.equal(embeddings, raw)
    assert embeddings.shape == train.shape
    # Standardised, so up to a shift and a scale of each column.
    assert float(torch.corrcoef(torch.stack([embeddings[:, 0], train[:, 0]]))[0, 1]) > 0.999
    assert set(labels.tolist()) == {-1}


def test_it_sees_the_embeddings_of_a_frozen_encoder(pool, tmp_path):
    model = Frozen(nn.Linear(5, 7), cache=tmp_path, device="cpu")
    q.Session(pool, model=model, initial=Witness(), seed=0).ask(3)
    rows = pool.rows("train")
    assert Witness.seen[0].shape == (len(rows), 7)
    assert torch.equal(Witness.seen[0], model.answer((Raw(),), pool, rows, seed=0).views[Raw()])
    assert model.version == "", "nothing was trained"


# -- in a run --------------------------------------------------------------------------------------------------------


@pytest.fixture
def settings(tmp_path):
    rng = np.random.default_rng(0)
    own = rng.integers(3, size=90)
    x = (rng.normal(size=(90, 4)) + 3 * np.eye(3, 4)[own]).astype(np.float32)
    np.savez(tmp_path / "blobs.npz", x_train=x[:60], y_train=own[:60], x_test=x[60:], y_test=own[60:])
    return RunSettings(
        data=f"npz:{tmp_path / 'blobs.npz'}",
        strategy="margin",
        model="sklearn:GaussianNB",
        initial=9,
        batch=5,
        budget=24,
        initial_strategy="typi_clust",
    )


def asked(out):
    with Journal.open(out / JOURNAL, create=False) as journal:
        return {name: [[p.row for p in r.picks] for r in journal.rounds(name)] for name in journal.campaigns()}


def test_a_run_says_who_began_and_by_what_and_goes_on_the_same(settings, tmp_path):
    whole = run(settings, tmp_path / "whole")
    assert "typi_clust chooses the first rows by the features that the estimator reads" in whole.notes
    assert RunSettings.read(tmp_path / "whole" / "run.toml").initial_strategy == "typi_clust"

    class Cut(Exception):
        pass

    def listener(event):
        if isinstance(event, RoundEnded):
            raise Cut

    with pytest.raises(Cut):
        run(settings, tmp_path / "cut", listener=listener)
    with pytest.raises(SettingsDiffer, match="initial_strategy was typi_clust, is random"):
        run(RunSettings(**{**vars(settings), "initial_strategy": "random"}), tmp_path / "cut", resume=True)
    resumed = run(settings, tmp_path / "cut", resume=True)
    assert asked(tmp_path / "cut") == asked(tmp_path / "whole")
    curves = [json.dumps(result.to_json()["curve"]) for result in (whole, resumed)]
    assert curves[0] == curves[1]
    rounds = asked(tmp_path / "whole")
    assert rounds["margin/0"][0] == rounds["random/0"][0], "twins start from the same rows"


def test_a_random_start_needs_no_word(settings, tmp_path):
    result = run(RunSettings(**{**vars(settings), "initial_strategy": "random"}), tmp_path / "run")
    assert not any("first rows" in note for note in result.notes)
