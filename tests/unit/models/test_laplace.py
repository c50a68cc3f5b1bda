"""Last-layer Laplace: the covariance it should have, wherever the linear layer is."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from torch import Tensor, nn

from querist.core.errors import UsageError, ViewMissing
from querist.models.frozen import Frozen
from querist.models.laplace import Laplace, LastLayerPosterior, likeliest_precision
from querist.models.sklearn import Sklearn
from querist.models.torch_module import TorchModule
from querist.pool.pool import Pool
from querist.tasks import make_task
from querist.testing.toy_pools import toy_pool
from querist.training.recipe import Recipe
from querist.views import Logits, LogitSamples, Predictions, PredictionSamples

LOSSES: dict[str, Callable[[Tensor], Tensor]] = {
    # Of rows whose labels do not matter for the curvature.
    "softmax": lambda out: nn.functional.cross_entropy(out, torch.arange(len(out)) % out.shape[1], reduction="sum"),
    "sigmoid": lambda out: nn.functional.binary_cross_entropy_with_logits(out, (out > 9).double(), reduction="sum"),
    "gaussian": lambda out: out.square().sum() / 2,
}


def layer(m: int, d: int, r: int, *, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    draws = [torch.randn(*shape, generator=rng, dtype=torch.float64) for shape in ((m, d), (r, d), (r,))]
    return draws[0], draws[1], draws[2]


def hessian(features: Tensor, weight: Tensor, bias: Tensor, likelihood: str) -> Tensor:
    """Of the summed loss in weights and bias, a class after another, by automatic differentiation."""
    whole = torch.cat([weight, bias[:, None]], 1)
    phi = torch.cat([features, torch.ones(len(features), 1, dtype=features.dtype)], 1)
    found: Any = torch.autograd.functional.hessian(lambda w: LOSSES[likelihood](phi @ w.T), whole)
    return found.reshape(whole.numel(), whole.numel())


def refuse_other_covariance(drawn: Tensor, wanted: Tensor) -> None:
    """Every entry of the empirical covariance within five of its standard errors."""
    flat = drawn.flatten(1).double()
    found = torch.cov(flat.T)
    spread = (wanted.diagonal()[:, None] * wanted.diagonal() + wanted.square()).div(len(flat)).sqrt()
    assert float(((found - wanted) / spread).abs().max()) < 5
    ends = torch.linalg.eigvalsh(wanted)[[0, -1]]
    assert float(ends[1] / ends[0]) > 2, "a covariance that is the prior's would pass"


@pytest.mark.parametrize("likelihood", LOSSES)
@pytest.mark.parametrize(("m", "d"), [(30, 3), (3, 6)], ids=["many rows", "fewer rows than features"])
def test_samples_have_the_covariance_of_the_hessian(likelihood: Any, m: int, d: int) -> None:
    features, weight, bias = layer(m, d, 3)
    options = Laplace(prior_precision=0.7, noise=0.5)
    posterior = LastLayerPosterior(features, weight, bias, likelihood=likelihood, options=options)
    drawn = posterior.draw(seed=1, samples=20_000)
    known = hessian(features, weight, bias, likelihood)
    if likelihood == "gaussian":
        known = known / 0.5**2
    wanted = torch.linalg.inv(known + 0.7 * torch.eye(len(known), dtype=torch.float64))
    refuse_other_covariance(drawn, wanted)
    mean = (drawn.double().mean(0) - torch.cat([weight, bias[:, None]], 1)).flatten()
    assert float((mean / (wanted.diagonal() / len(drawn)).sqrt()).abs().max()) < 5


@pytest.mark.parametrize("m", [30, 4])
def test_kronecker_factors_are_exact_where_all_units_curve_alike(m: int) -> None:
    features, weight, bias = layer(m, 5, 2)
    draws = []
    for whole in (1500, 0):
        options = Laplace(prior_precision=0.3, noise=0.5, whole=whole)
        draws.append(LastLayerPosterior(features, weight, bias, likelihood="gaussian", options=options))
    wanted = torch.linalg.inv(4 * hessian(features, weight, bias, "gaussian") + 0.3 * torch.eye(12))
    for posterior in draws:
        refuse_other_covariance(posterior.draw(seed=2, samples=20_000), wanted)


def test_kronecker_factors_keep_what_a_softmax_does_not_see() -> None:
    """A number added to all logits changes nothing: in that direction the posterior is the prior."""
    features, weight, bias = layer(50, 3, 4)
    for whole in (1500, 0):
        options = Laplace(prior_precision=2.0, whole=whole)
        drawn = LastLayerPosterior(features, weight, bias, likelihood="softmax", options=options).draw(
            seed=0, samples=8000
        )
        moved = (drawn.double() - torch.cat([weight, bias[:, None]], 1)).sum(1)  # [s d + 1], over classes
        torch.testing.assert_close(moved.var(0), torch.full((4,), 4 / 2.0, dtype=torch.float64), rtol=0.1, atol=0)
        assert float((drawn.double() - drawn.double().mean(1, keepdim=True)).var(0).max()) < 0.75 * 0.5


def test_the_evidence_is_highest_at_its_precision() -> None:
    features, weight, bias = layer(40, 3, 3)
    posterior = LastLayerPosterior(
        features, weight, bias, likelihood="softmax", options=Laplace(prior_precision="evidence")
    )
    known = hessian(features, weight, bias, "softmax")
    length = float(weight.square().sum() + bias.square().sum())

    def evidence(tau: float) -> float:
        precision = known + tau * torch.eye(len(known), dtype=torch.float64)
        return 0.5 * (len(known) * math.log(tau) - tau * length - float(torch.logdet(precision)))

    best = max(np.geomspace(1e-3, 1e3, 3001), key=evidence)
    assert posterior.precision == pytest.approx(best, rel=0.01)
    assert likeliest_precision(torch.zeros(3), 1.0) == pytest.approx(1e-6, rel=0.01)  # nothing is known


def test_the_weights_own_size_is_a_precision() -> None:
    features, weight, bias = layer(40, 3, 3)
    posterior = LastLayerPosterior(features, weight, bias, likelihood="softmax")
    assert posterior.precision == pytest.approx(12 / float(weight.square().sum() + bias.square().sum()))


@pytest.mark.parametrize("options", [{"prior_precision": 0.0}, {"prior_precision": "prior"}, {"noise": -1.0}])
def test_options_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="Laplace"):
        Laplace(**options)


def line(n: int = 30) -> Pool:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 2)).astype(np.float32)
    return Pool.from_arrays(x, (100 * x[:, 0] - 50 * x[:, 1] + 20 * rng.normal(size=n)).tolist())


@pytest.mark.parametrize("which", ["torch", "sklearn"])
def test_of_linear_regression_it_is_the_closed_form(which: str) -> None:
    """``x^T (X^T X / s2 + tau I)^-1 x`` in the unit of the labels, within five standard errors of a variance."""
    pool, rows = line(), np.arange(12)
    options = Laplace(prior_precision=0.5, noise=0.3)
    model: Any = (
        TorchModule(lambda: nn.Linear(2, 1), encoder=None, recipe=Recipe(steps=200, lr=0.1), laplace=options)
        if which == "torch"
        else Sklearn(LinearRegression(), laplace=options)
    )
    model.prepare(pool, make_task("regression"))
    labels = pool.truth(rows)
    model.fit(pool, rows, labels, seed=0)
    view = PredictionSamples(samples=4000, source="laplace")
    said = model.answer([view, Predictions()], pool, pool.rows(), seed=3).views
    x = torch.as_tensor(np.asarray(pool.payloads(pool.rows())), dtype=torch.float64)
    if which == "sklearn":  # reads features of the whole pool with mean 0 and variance 1
        x = (x - x.mean(0)) / x.std(0, correction=0)
    phi = torch.cat([x, torch.ones(30, 1, dtype=torch.float64)], 1)
    unit = float(np.std(labels))
    covariance = torch.linalg.inv(phi[:12].T @ phi[:12] / 0.3**2 + 0.5 * torch.eye(3, dtype=torch.float64))
    wanted = unit**2 * ((phi @ covariance) * phi).sum(1)
    off = (said[view].double().var(0) - wanted) / (wanted * math.sqrt(2 / 4000))
    assert float(off.abs().max()) < 5
    assert float(wanted.max() / wanted.min()) > 3
    mean = said[view].double().mean(0) - said[Predictions()].double()
    assert float((mean / (wanted / 4000).sqrt()).abs().max()) < 5


def test_the_likeliest_noise_is_that_of_the_labels() -> None:
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(400, 3, generator=rng, dtype=torch.float64)
    y = x.sum(1) + 0.5 * torch.randn(400, generator=rng, dtype=torch.float64)
    weight = torch.linalg.lstsq(x, y).solution[None]
    squares = float((x @ weight[0] - y).square().sum())
    posterior = LastLayerPosterior(x, weight, None, likelihood="gaussian", squares=squares)
    assert posterior.noise == pytest.approx(0.5, rel=0.1)


class Head(nn.Module):
    """What comes after the last linear layer, if anything."""

    def __init__(self, after: str) -> None:
        super().__init__()
        self.body, self.last, self.after = nn.Linear(5, 8), nn.Linear(8, 3), after

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.last(torch.tanh(self.body(x)))
        return {"": out, "log softmax": out.log_softmax(-1), "scaled": 2 * out}[self.after]


def trained(net: Callable[[], nn.Module], kind: str = "classification", **options: Any) -> tuple[TorchModule, Pool]:
    toy = toy_pool("table", kind)
    model = TorchModule(net, recipe=Recipe(steps=40, lr=0.02), device="cpu", **options)
    model.prepare(toy.pool, toy.task)
    model.fit(toy.pool, np.arange(15), toy.told(range(15)), seed=1)
    return model, toy.pool


def posterior_of(model: TorchModule) -> LastLayerPosterior:
    """The one that it has found."""
    found = model.last_layer._posterior
    assert found is not None
    return found


@pytest.mark.parametrize("after", ["", "log softmax"])
def test_samples_are_what_drawn_last_layers_say(after: str) -> None:
    model, pool = trained(lambda: Head(after))
    view, rows = LogitSamples(samples=4, source="laplace"), pool.rows()
    said = model.answer([view], pool, rows, seed=9).views[view].softmax(-1)
    network = model._members[0]
    heads = posterior_of(model).draw(seed=9, samples=4)
    inputs = model._presented(model.inputs(rows)[0])
    for sample, head in enumerate(heads):
        kept = {name: value.clone() for name, value in network.state_dict().items()}
        network.load_state_dict({**kept, "last.weight": head[:, :-1], "last.bias": head[:, -1]})
        with torch.no_grad():
            torch.testing.assert_close(said[sample], network(*inputs).softmax(-1), rtol=1e-4, atol=1e-5)
        network.load_state_dict(kept)


def test_fewer_samples_are_the_first_of_more() -> None:
    model, pool = trained(lambda: Head(""))
    few, many = (LogitSamples(samples=samples, source="laplace") for samples in (2, 5))
    alone = model.answer([few], pool, pool.rows(), seed=4).views[few]
    both = model.answer([many, few], pool, pool.rows(), seed=4).views
    torch.testing.assert_close(both[few], alone)
    torch.testing.assert_close(both[many][:2], alone)


def test_a_sharp_prior_leaves_the_network_as_it_is() -> None:
    model, pool = trained(lambda: Head(""), laplace=Laplace(prior_precision=1e12))
    view = LogitSamples(samples=3, source="laplace")
    said = model.answer([view, Logits()], pool, pool.rows(), seed=4).views
    torch.testing.assert_close(said[view], said[Logits()].expand(3, -1, -1), rtol=1e-3, atol=1e-3)


def test_drawn_networks_differ_most_where_nothing_is_labelled() -> None:
    """Rows in a direction that no labelled row has: logits vary twice as much at least, in five pools of five."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(60, 6)).astype(np.float32)
        x[:40, 5] = 0
        x[40:, 5] = 5
        pool = Pool.from_arrays(x)
        model = TorchModule(lambda: nn.Linear(6, 2), encoder=None, recipe=Recipe(steps=100, lr=0.05), device="cpu")
        model.prepare(pool, make_task("classification", ["a", "b"]))
        model.fit(pool, np.arange(20), ["ab"[int(row[0] > 0)] for row in x[:20]], seed=seed)
        view = LogitSamples(samples=200, source="laplace")
        logits = model.answer([view], pool, pool.rows(), seed=0).views[view]
        varied = (logits[..., 1] - logits[..., 0]).var(0)
        assert float(varied[40:].mean()) > 2 * float(varied[20:40].mean())


def test_who_cannot_answer_says_so() -> None:
    view = LogitSamples(source="laplace")
    model, pool = trained(lambda: Head("scaled"))
    assert not model.answers(view)
    with pytest.raises(ViewMissing, match="not that of a linear layer"):
        model.answer([view], pool, pool.rows(), seed=0)
    inner, pool = trained(lambda: Head(""), features="body")
    assert not inner.answers(view)
    forest = Sklearn(RandomForestClassifier(5))
    forest.prepare(pool, make_task("classification", ["a", "b"]))
    assert not forest.answers(view)
    with pytest.raises(ViewMissing, match="ask for source='ensemble'"):
        forest.answer([view], pool, pool.rows(), seed=0)


def test_a_frozen_head_is_a_linear_layer(tmp_path: Any) -> None:
    toy = toy_pool("table", "classification")
    model = Frozen(nn.Linear(5, 8), cache=tmp_path, device="cpu", dropout=0, laplace=Laplace(prior_precision=5.0))
    model.prepare(toy.pool, toy.task)
    view = LogitSamples(samples=3, source="laplace")
    assert model.answers(view)
    assert not model.answers(LogitSamples(source="dropout_ensemble"))
    model.fit(toy.pool, np.arange(15), toy.told(range(15)), seed=1)
    assert model.answer([view], toy.pool, toy.pool.rows(), seed=0).views[view].shape == (3, 40, 3)
    assert posterior_of(model._head).precision == 5.0


@pytest.mark.parametrize("classes", [2, 3])
def test_logistic_regression_is_drawn_over_the_classes_it_knows(classes: int) -> None:
    """A class without rows stays all but impossible; the mean of many sharp samples is the trained model."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3)).astype(np.float32)
    pool = Pool.from_arrays(x)
    names = ["a", "b", "c", "never"]
    model = Sklearn(LogisticRegression(), laplace=Laplace(prior_precision=1e8))
    model.prepare(pool, make_task("classification", names))
    model.fit(pool, np.arange(30), [names[place % classes] for place in range(30)], seed=0)
    view = LogitSamples(samples=5, source="laplace")
    said = model.answer([view, Logits()], pool, pool.rows(), seed=0).views
    torch.testing.assert_close(said[view].softmax(-1).mean(0), said[Logits()].softmax(-1), atol=1e-3, rtol=0)
    model = Sklearn(LogisticRegression())
    model.prepare(pool, make_task("classification", names))
    model.fit(pool, np.arange(30), [names[place % classes] for place in range(30)], seed=0)
    free = model.answer([view], pool, pool.rows(), seed=0).views[view].softmax(-1)
    assert float(free[..., 3].max()) < 1e-6
    assert float(free[..., 0].std(0).min()) > 1e-3
