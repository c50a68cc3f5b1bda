"""Training steps: repeatable, long enough, and stopped when there is nothing left to learn."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from querist.core.errors import QueristError, UsageError
from querist.training.fit import Trained, fit
from querist.training.recipe import Recipe


class Line:
    """Fits y = 2x, so that losses can be known."""

    def __init__(self, module: nn.Module | None = None, *, rows: int = 40, bad: int = -1) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.random.manual_seed(0)
            self.module = module or nn.Sequential(nn.Linear(1, 8), nn.Dropout(0.1), nn.Linear(8, 1))
        self.x = torch.linspace(-1, 1, rows)[:, None]
        self.y = 2 * self.x
        self.held_out: list[float] = []
        self.batches: list[list[int]] = []
        self.bad = bad

    def __len__(self) -> int:
        return len(self.x)

    def batch(self, pos: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        self.batches.append(pos.tolist())
        return self.x[pos], self.y[pos]

    def losses(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        x, y = batch
        loss = (self.module(x) - y).square().squeeze(1)
        return loss * math.nan if len(self.batches) == self.bad else loss

    def validation_loss(self) -> float | None:
        return None


def weights(line: Line) -> Tensor:
    return torch.cat([p.detach().flatten() for p in line.module.parameters()])


def trained(seed: int = 0, **options: object) -> tuple[Line, Trained]:
    line = Line()
    return line, fit(line, Recipe(steps=60, epochs=1, batch=16, lr=1e-2, **options), seed=seed)


def test_the_seed_decides_and_global_generators_stay() -> None:
    before = torch.random.get_rng_state()
    first, second, other = (weights(trained(seed)[0]) for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_it_learns_and_leaves_the_module_in_evaluation_mode() -> None:
    line = Line()
    with torch.no_grad():
        start = float(line.losses((line.x, line.y)).mean())
    done = fit(line, Recipe(steps=300, epochs=1, lr=1e-2), seed=0)
    assert done.loss < 0.2 * start
    assert not line.module.training


def test_tiny_sets_get_enough_steps_and_large_ones_enough_passes() -> None:
    assert Recipe(steps=100, epochs=5, batch=32).length(8) == 100
    assert Recipe(steps=100, epochs=5, batch=32).length(3200) == 500
    line = Line(rows=3)
    assert fit(line, Recipe(steps=25, epochs=1, batch=32), seed=0).steps == 25
    assert all(sorted(batch) == [0, 1, 2] for batch in line.batches)


def test_every_pass_sees_every_row_once() -> None:
    line = Line(rows=10)
    fit(line, Recipe(steps=6, epochs=1, batch=5), seed=0)
    seen = [row for batch in line.batches for row in batch]
    for start in (0, 10, 20):
        assert sorted(seen[start : start + 10]) == list(range(10))


def test_it_stops_when_it_has_converged_but_not_in_the_first_half() -> None:
    _, done = trained(converged=1e9)
    assert done.steps == 30


def test_a_loss_that_is_not_finite_is_one_line() -> None:
    with pytest.raises(QueristError, match=r"^the training loss became nan at step 7 of 60; use a lower learning rate"):
        fit(Line(bad=7), Recipe(steps=60, epochs=1), seed=0)


def test_the_best_weights_on_held_out_rows_come_back() -> None:
    line = Line()
    losses = iter([3.0, 1.0, 2.0, 2.0, 2.0, 2.0])
    kept: list[Tensor] = []

    def validation_loss() -> float:
        assert not line.module.training
        kept.append(weights(line))
        return next(losses)

    line.validation_loss = validation_loss  # type: ignore[method-assign]
    done = fit(line, Recipe(steps=100, epochs=1, checks=10, patience=3), seed=0)
    assert done.steps == 50  # looks at 10, 20 (best), 30, 40, 50
    assert torch.equal(weights(line), kept[1])
    assert not torch.equal(kept[1], kept[-1])


def test_nothing_to_train_is_refused() -> None:
    with pytest.raises(UsageError, match="no parameter to train"):
        fit(Line(nn.Identity()), Recipe(), seed=0)
    with pytest.raises(UsageError, match="without labelled rows"):
        fit(Line(rows=0), Recipe(), seed=0)


@pytest.mark.parametrize("options", [{"steps": 0}, {"lr": 0.0}, {"lr": math.nan}, {"shift": 0.5}, {"batch": 0}])
def test_recipes_that_cannot_be_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(options))):
        Recipe(**options)  # type: ignore[arg-type]


def test_progress_runs_to_the_end() -> None:
    shares: list[float] = []
    fit(Line(), Recipe(steps=40, epochs=1), seed=0, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) > 10
