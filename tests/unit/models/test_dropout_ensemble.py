"""Samples of several trained networks, each under masks of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from querist.core.errors import ViewMissing
from querist.core.rng import child_seed
from querist.models.dropout import DropoutPasses
from querist.models.torch_module import TorchModule
from querist.pool.pool import Pool
from querist.testing.toy_pools import toy_pool
from querist.training.recipe import Recipe
from querist.views import LogitSamples, ProbSamples
from querist.views.base import primitives


def trained(members: int, share: float = 0.3) -> tuple[TorchModule, Pool]:
    toy = toy_pool("table", "classification")

    def net() -> nn.Module:
        return nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Dropout(share), nn.Linear(16, 3))

    model = TorchModule(net, recipe=Recipe(steps=40, lr=0.02), device="cpu")
    model.prepare(toy.pool, toy.task)
    model.fit(toy.pool, np.arange(15), toy.told(range(15)), seed=1, members=members)
    return model, toy.pool


def said(model: TorchModule, pool: Pool, *views: LogitSamples) -> Any:
    return model.answer(views, pool, pool.rows(), seed=4).views


def test_networks_take_turns_and_each_draws_its_own_masks() -> None:
    model, pool = trained(3)
    view = LogitSamples(samples=7, source="dropout_ensemble")
    samples = said(model, pool, view)[view]
    inputs = model._presented(model.inputs(pool.rows())[0])
    for place in range(7):
        network, draw = place % 3, place // 3
        seed = child_seed(4, "member", network) if network else 4
        with torch.no_grad(), DropoutPasses(model._members[network], seed=seed, whole=True) as passes:
            passes.first(*inputs)
            torch.testing.assert_close(samples[place], passes.sample(draw), rtol=1e-4, atol=1e-5)


def test_of_one_network_it_is_dropout_and_without_masks_it_is_an_ensemble() -> None:
    model, pool = trained(3)
    one, plain = LogitSamples(samples=4, source="dropout_ensemble", networks=1), LogitSamples(samples=4)
    both, ensemble = LogitSamples(samples=6, source="dropout_ensemble"), LogitSamples(samples=3, source="ensemble")
    answers = said(model, pool, one, plain, both, ensemble)
    assert torch.equal(answers[one], answers[plain])
    torch.testing.assert_close(answers[both][::3], answers[plain][:2])  # network 0 has the masks that it has alone
    for network in model._members:
        network.get_submodule("2").p = 0.0
    model.anatomy = model.anatomy.__class__(**{**vars(model.anatomy), "dropout": True})
    still = said(model, pool, both, ensemble)
    torch.testing.assert_close(still[both][:3], still[ensemble])
    assert float((answers[both][:3] - answers[ensemble]).abs().max()) > 0.05


def test_it_needs_its_networks() -> None:
    view = LogitSamples(samples=6, source="dropout_ensemble")
    assert (view.members, LogitSamples(samples=2, source="dropout_ensemble").members) == (3, 2)
    assert LogitSamples(samples=6, source="dropout_ensemble", networks=5).members == 5
    model, pool = trained(2)
    with pytest.raises(ViewMissing, match="3 networks were asked, 2 are trained"):
        said(model, pool, view)
    probs = ProbSamples(samples=6, source="dropout_ensemble", networks=2)
    assert primitives([probs], model.answers) == (LogitSamples(samples=6, source="dropout_ensemble", networks=2),)


def test_networks_see_doubt_that_masks_of_one_do_not() -> None:
    """The point: probabilities of three networks spread over twice as far as those of one, in three trainings."""
    for seed in range(3):
        model, pool = trained(3, share=0.05)
        model.fit(pool, np.arange(6), toy_pool("table", "classification").told(range(6)), seed=seed, members=3)
        many, one = LogitSamples(samples=60, source="dropout_ensemble"), LogitSamples(samples=60)
        answers = said(model, pool, many, one)
        spread = {view: float(answers[view].softmax(-1).var(0).mean()) for view in (many, one)}
        assert spread[many] > 2 * spread[one]
