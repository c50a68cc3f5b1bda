"""Attacks: they flip the guess, by little, and find a linear boundary exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from querist.core.errors import UnknownName, UsageError, ViewMissing
from querist.core.rng import generator
from querist.models import TorchModule, make_model
from querist.models.perturb import perturbed
from querist.pool.pool import Pool
from querist.tasks import make_task
from querist.testing.naive import perturb as naive
from querist.training.recipe import Recipe
from querist.views import Embeddings, Head
from querist.views.perturbation import NEVER, Perturbation

DEEP, FAST = Perturbation(), Perturbation(by="fast_gradient", bound=5.0, steps=200)
BOTH = pytest.mark.parametrize("view", [DEEP, FAST], ids=["deep_fool", "fast_gradient"])


def rows(n: int, *axes: int, seed: int = 0) -> Tensor:
    return torch.randn(n, *axes, generator=generator(seed, "rows"))


def drawn(make: nn.Module, seed: int = 0) -> nn.Module:
    """A network with random weights, large enough that it bends."""
    rng = generator(seed, "weights")
    with torch.no_grad():
        for weights in make.parameters():
            weights.copy_(torch.randn(weights.shape, generator=rng) / max(weights[0].numel(), 4) ** 0.5)
    return make.eval()


def mlp(d: int = 6, c: int = 4, seed: int = 0) -> nn.Module:
    return drawn(nn.Sequential(nn.Linear(d, 32), nn.Tanh(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, c)), seed)


def conv(seed: int = 0) -> nn.Module:
    layers = nn.Conv2d(1, 6, 3), nn.ReLU(inplace=True), nn.BatchNorm2d(6), nn.Flatten(), nn.Linear(216, 3)
    return drawn(nn.Sequential(*layers), seed)


def nearest_boundary(net: nn.Linear, x: Tensor) -> Tensor:
    """``min_c |f_c - f_guess| / |w_c - w_guess|``."""
    with torch.no_grad():
        scores = net(x)
        guess = scores.argmax(1)
        gaps = (scores - scores.gather(1, guess[:, None])).abs()
        apart = (net.weight[None] - net.weight[guess][:, None]).norm(dim=2)
        return (gaps / apart).scatter(1, guess[:, None], torch.inf).amin(1)


@pytest.mark.parametrize("c", [2, 3, 7])
def test_a_linear_boundary_is_found_exactly(c: int) -> None:
    net, x = nn.Linear(6, c), rows(200, 6)
    drawn(net, seed=c)
    found = perturbed(net, x, DEEP)
    torch.testing.assert_close(found.lengths, nearest_boundary(net, x), atol=1e-5, rtol=0)
    assert bool(found.flipped.all())


@pytest.mark.parametrize("net", [mlp(), mlp(c=2, seed=1)], ids=["four", "two"])
@BOTH
def test_it_equals_its_twin(net: nn.Module, view: Perturbation) -> None:
    x = rows(25, 6)
    want = torch.tensor(naive.lengths(net, x, view))
    torch.testing.assert_close(perturbed(net, x, view).lengths, want, atol=1e-3, rtol=1e-3)


@BOTH
def test_it_equals_its_twin_on_pictures(view: Perturbation) -> None:
    x = rows(8, 1, 8, 8)
    want = torch.tensor(naive.lengths(conv(), x, view))
    torch.testing.assert_close(perturbed(conv(), x, view).lengths, want, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("net", [mlp(), conv()], ids=["table", "picture"])
@BOTH
def test_the_change_flips_the_guess(net: nn.Module, view: Perturbation) -> None:
    x = rows(100, 6) if isinstance(net[0], nn.Linear) else rows(100, 1, 8, 8)  # type: ignore[index]
    found = perturbed(net, x, view)
    with torch.no_grad():
        other = net(x + found.change).argmax(1) != net(x).argmax(1)
    assert torch.equal(found.flipped, other)
    assert float(found.flipped.float().mean()) > 0.95
    # The way to the boundary is as long as the change, but for what carries it past.
    ratio = found.change.flatten(1).norm(dim=1)[found.flipped] / found.lengths[found.flipped]
    assert 1 - 1e-4 < float(ratio.min()) <= float(ratio.max()) < 1.02 + 1e-4


def test_deep_fool_changes_less_than_equal_steps() -> None:
    saved = []
    for seed in range(5):
        net, x = conv(seed), rows(60, 1, 8, 8, seed=seed)
        deep, fast = perturbed(net, x, DEEP), perturbed(net, x, FAST)
        both = deep.flipped & fast.flipped
        lengths = deep.change.flatten(1).norm(dim=1), fast.lengths  # past the boundary, both of them
        saved.append(1 - (lengths[0] / lengths[1])[both])
    shares = torch.cat(saved)
    assert float(shares.mean()) > 0.05 + 4 * float(shares.std()) / len(shares) ** 0.5
    assert float((shares > 0).float().mean()) > 0.8


@BOTH
def test_no_random_direction_of_that_length_flips_more(view: Perturbation) -> None:
    net, x = mlp(), rows(100, 6)
    found = perturbed(net, x, view)
    away = torch.nn.functional.normalize(rows(100, 6, seed=1)) * found.change.norm(dim=1, keepdim=True)
    with torch.no_grad():
        by_chance = net(x + away).argmax(1) != net(x).argmax(1)
    assert float(by_chance.float().mean()) < 0.5 * float(found.flipped.float().mean())


@BOTH
def test_rows_do_not_know_of_each_other(view: Perturbation) -> None:
    net, x = conv(), rows(40, 1, 8, 8)
    whole = perturbed(net, x, view).lengths
    parts = torch.cat([perturbed(net, part, view).lengths for part in x.split(7)])
    torch.testing.assert_close(parts, whole, atol=1e-4, rtol=1e-4)


@BOTH
def test_a_sure_network_is_attacked_as_well(view: Perturbation) -> None:
    """Its probabilities are 1 and 0 and its loss has no slope any more; its scores have."""
    net, sure, x = mlp(c=2), mlp(c=2), rows(50, 6)
    with torch.no_grad():
        for weights in sure[-1].parameters():  # type: ignore[index]
            weights.mul_(1e4)
        assert float(sure(x).softmax(1).amax(1).median()) == 1.0
    torch.testing.assert_close(perturbed(sure, x, view).lengths, perturbed(net, x, view).lengths, atol=2e-3, rtol=2e-3)


@BOTH
def test_where_nothing_can_flip_the_length_says_so(view: Perturbation) -> None:
    constant = drawn(nn.Linear(6, 3))
    constant.weight.data.zero_()  # type: ignore[union-attr, operator]
    for net in (constant, drawn(nn.Linear(6, 1))):
        found = perturbed(net, rows(4, 6), view)
        assert found.lengths.tolist() == [NEVER] * 4
        assert not bool(found.flipped.any())


def test_a_row_on_the_boundary_needs_no_change() -> None:
    net = nn.Linear(2, 2, bias=False)
    net.weight.data = torch.eye(2)
    x = torch.tensor([[1.0, 1.0], [2.0, 1.0]])
    assert perturbed(net, x, DEEP).lengths[0] == 0
    assert perturbed(net, x, FAST).lengths[0] < 1e-3


def test_steps_stop_at_the_bound() -> None:
    net, x = mlp(), rows(100, 6)
    near = perturbed(net, x, replace(FAST, bound=0.1))
    assert float(near.change.abs().max()) <= 0.1 + 1e-6
    assert 0 < int(near.flipped.sum()) < 100
    assert bool((near.lengths[~near.flipped] == NEVER).all())


def test_a_row_that_is_not_finite_is_not_hidden() -> None:
    x = rows(3, 6)
    x[1, 0] = torch.nan
    for view in (DEEP, FAST):
        assert torch.isfinite(perturbed(mlp(), x, view).lengths).tolist() == [True, False, True]


def test_nothing_is_left_behind() -> None:
    net, x = conv(), rows(5, 1, 8, 8)
    before = x.clone()
    with torch.no_grad():
        perturbed(net, x, DEEP)
    assert torch.equal(x, before)
    assert not x.requires_grad
    assert all(weights.grad is None for weights in net.parameters())


def test_a_network_without_slopes_is_refused() -> None:
    class Closed(nn.Linear):
        @torch.no_grad()
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x)

    with pytest.raises(ViewMissing, match="no slope of this network reaches its inputs"):
        perturbed(Closed(6, 3), rows(2, 6), DEEP)


def test_options_that_cannot_be_are_refused() -> None:
    with pytest.raises(UnknownName, match="did you mean 'deep_fool'"):
        Perturbation(by="deepfool")  # type: ignore[arg-type]
    for options in ({"steps": 0}, {"classes": 1}, {"size": 0.0}, {"bound": -1.0}):
        with pytest.raises(UsageError):
            Perturbation(**options)  # type: ignore[arg-type]


def pool_of(kind: str) -> Pool:
    draw, labels = np.random.default_rng(0), ["a", "b"] * 10
    if kind == "text":
        return Pool.from_arrays([" ".join(draw.choice(["rain", "wind", "sun"], size=4)) for _ in labels], labels)
    if kind == "image":
        return Pool.from_arrays(draw.integers(0, 255, (20, 8, 8)).astype(np.uint8), labels)
    return Pool.from_arrays(draw.normal(size=(20, 5)), labels if kind == "table" else draw.normal(size=20))


@pytest.mark.parametrize(
    ("kind", "model", "task", "answered"),
    [
        ("image", "cnn", "classification", True),
        ("table", "mlp", "classification", True),
        ("table", "mlp", "multilabel", False),
        ("number", "mlp", "regression", False),
        ("text", "text_cnn", "classification", False),
    ],
)
def test_numbers_can_be_changed_and_words_cannot(kind: str, model: str, task: str, answered: bool) -> None:
    pool, made = pool_of(kind), make_task(task, [] if task == "regression" else ["a", "b"])
    adapter = make_model(model, pool, made, device="cpu")
    adapter.prepare(pool, made)
    assert adapter.answers(DEEP) is answered
    if not answered:
        with pytest.raises(ViewMissing, match="reads words.* least_disagree" if kind == "text" else "does not answer"):
            adapter.answer([DEEP], pool, pool.rows(), seed=0)


def test_lengths_are_of_what_the_network_reads() -> None:
    """Features in other units are standardised, so the lengths stay the same."""
    pool, task = pool_of("table"), make_task("classification", ["a", "b"])
    found = []
    for scale in (1.0, 1000.0):
        own = Pool.from_arrays(np.stack([pool[int(row)] for row in pool.rows()]) * scale, ["a", "b"] * 10)
        model = TorchModule(lambda: nn.Linear(5, 2), recipe=Recipe(steps=20), device="cpu")
        model.prepare(own, task)
        model.fit(own, np.arange(20), ["a", "b"] * 10, seed=0)
        found.append(model.answer([DEEP], own, own.rows(), seed=0).views[DEEP])
    torch.testing.assert_close(found[0], found[1], atol=1e-4, rtol=1e-3)
    said = model.answer([Head(), Embeddings()], own, own.rows(), seed=0).views
    apart = said[Head()][0] - said[Head()][1]
    margin = (said[Embeddings()] @ apart[:-1] + apart[-1]).abs() / apart[:-1].norm()
    torch.testing.assert_close(found[1], margin, atol=1e-5, rtol=1e-5)
