"""Labelled rows as a training sees them: scaled targets, padded tags, augmented images."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from querist.models.inputs import ArrayEncoder
from querist.models.labelled import LabelledRows, Scale
from querist.tasks import make_task
from querist.tasks.base import Task
from querist.training.recipe import Recipe

CPU = torch.device("cpu")


def labelled(task: Task, inputs: Tensor, targets: list[Any], module: nn.Module, **recipe: Any) -> LabelledRows:
    return LabelledRows(
        module,
        task=task,
        encoder=ArrayEncoder(),
        inputs=(inputs,),
        targets=targets,
        recipe=Recipe(**recipe),
        scale=Scale.of(task, targets),
        device=CPU,
    )


def test_regression_targets_are_standardised_and_come_back() -> None:
    task = make_task("regression")
    targets = [1000.0, 1010.0, 1020.0, 1050.0]
    scale = Scale.of(task, targets)
    rows = labelled(task, torch.zeros(4, 1), targets, nn.Identity())
    _, scaled = rows.batch(torch.arange(4), None)
    assert abs(float(scaled.mean())) < 1e-5
    assert abs(float(scaled.std(correction=0)) - 1) < 1e-5
    torch.testing.assert_close(scale.out(scaled), torch.tensor(targets))


def test_one_value_alone_has_no_spread_to_divide_by() -> None:
    assert Scale.of(make_task("regression"), [7.0, 7.0]) == Scale(mean=7.0, std=1.0)
    assert Scale.of(make_task("classification", ["a", "b"]), [0, 1]) == Scale()


def test_tags_are_padded_to_what_the_network_answers() -> None:
    task = make_task("tokens", ["O", "B-x"])
    wide = torch.zeros(2, 6, 2)
    rows = labelled(task, torch.zeros(2, 6), [[0, 1, 0], [1]], _Fixed(wide))
    losses = rows.losses(rows.batch(torch.arange(2), None))
    torch.testing.assert_close(losses, torch.full((2,), 2.0).log())


class _Fixed(nn.Module):
    def __init__(self, answer: Tensor) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, x: Tensor) -> Tensor:
        return self.answer


@pytest.mark.parametrize(
    ("shape", "flip", "mirrored"),
    [((3, 32, 32), None, True), ((1, 32, 32), None, False), ((3, 8, 8), None, False), ((1, 8, 8), True, True)],
)
def test_only_photographs_are_mirrored_by_themselves(shape: tuple[int, ...], flip: bool | None, mirrored: bool) -> None:
    ramp = torch.arange(float(shape[2])).expand(50, *shape)
    rows = labelled(make_task("classification", ["a"]), ramp, [0] * 50, nn.Identity(), flip=flip)
    (images,), _ = rows.batch(torch.arange(50), torch.Generator().manual_seed(0))
    assert bool((images[:, 0, 0, 0] > 0).any()) is mirrored
    (plain,), _ = rows.batch(torch.arange(50), None)
    assert torch.equal(plain, ramp)
