"""What every view promises."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from querist.core.errors import ViewMissing
from querist.selectors.points import FactoredPoints
from querist.testing import toys
from querist.testing.checks.base import raises, require
from querist.views import Positions, View

TASKS = ("classification", "multilabel", "regression", "tokens")


def check_is_a_key(cls: type[View]) -> None:
    """Equal options make equal views; any other option another one; nothing can be changed."""
    view = cls()
    require(view == cls() and hash(view) == hash(cls()), "two with the same options are not equal")
    require(view != cls(of="target") and type(view).__name__ in repr(view), "its options do not show")
    raises(dataclasses.FrozenInstanceError, lambda: setattr(view, "of", "x"), "it can be changed")
    require(view.scope in ("row", "unit", "pool", "model"), f"its scope is {view.scope!r}")


def check_parts_are_views_of_the_same_set(cls: type[View]) -> None:
    """A view of the target rows is computed from views of the target rows."""
    for part in cls(of="target").parts():
        require(isinstance(part, View) and part.of == "target", f"{part} is about another set")


def check_primitive_views_are_not_computed(cls: type[View]) -> None:
    """A view without parts is answered by a model or a pool, and says so."""
    if not cls().parts():
        at = Positions(n=1, candidates=torch.tensor([0]))
        raises(ViewMissing, lambda: cls().map(state=None, at=at), "it must say who answers it")


def check_halves_make_the_whole(cls: type[View]) -> None:
    """Two halves mapped apart, with the state of the whole, equal the whole: so ``map`` can be sharded."""
    view = cls()
    if not view.parts():
        return
    tried = 0
    for task in TASKS:
        table = toys.mixed(task)
        if type(view).__name__ in {type(key).__name__ for key in table.answers}:
            table = _with_parts(view, table)
        if not all(any(type(part) is type(key) for key in table.answers) for part in view.parts()):
            continue
        snapshot = table.snapshot(labelled=[0, 1])
        parts = [snapshot[part] for part in view.parts()]
        try:
            state = view.fit(*parts, at=snapshot.at)
            whole = _dense(view.map(*parts, state=state, at=snapshot.at))
        except ViewMissing:
            continue  # it has no meaning for the task, and says so
        tried += 1
        halves = []
        for pos in (range(10), range(10, 24)):
            half = table.take(pos).snapshot()
            halves.append(_dense(view.map(*(half[part] for part in view.parts()), state=state, at=half.at)))
        together = torch.cat(halves, dim=view.row_axis)
        require(torch.allclose(together, whole, atol=1e-6), f"{task}: halves differ from the whole")
    require(tried > 0, "no task of the toys has its parts")


def _with_parts(view: View, table: toys.Table) -> toys.Table:
    """The table with logits where it has probabilities, so that a view that is given can be derived as well."""
    answers: dict[View, Any] = dict(table.answers)
    for part in view.parts():
        given = next(answer for key, answer in table.answers.items() if type(key) is type(view))
        answers[part] = given.clamp_min(1e-30).log()
    return toys.Table(answers=answers, counts=table.counts, task=table.task, classes=table.classes)


def _dense(answer: Any) -> torch.Tensor:
    return answer.dense() if isinstance(answer, FactoredPoints) else answer
