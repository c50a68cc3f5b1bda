"""Checks of adapters, tasks, oracles, stopping rules and streams can fail: each fault here is caught by its check."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from querist.models.torch_module import TorchModule
from querist.oracles import Simulated
from querist.stopping import Budget, Plateau
from querist.stopping.base import Stopping, Verdict
from querist.streams import FixedUncertainty, VariableUncertainty
from querist.streams.base import Choice, Passing
from querist.tasks import Classification, Regression, Tokens
from querist.testing.checks import CheckFailed, checks_for, run_check
from querist.testing.model_case import ModelCase
from querist.training.recipe import Recipe
from querist.views import Logits


def case(cls: type[TorchModule]) -> ModelCase:
    def make(pool: Any, task: Any) -> TorchModule:
        def net() -> nn.Module:
            return nn.Sequential(nn.Linear(5, 8), nn.Dropout(0.2), nn.Linear(8, task.outputs))

        return cls(net, recipe=Recipe(steps=20, epochs=1, batch=8, lr=0.03), device="cpu")

    return ModelCase(name=cls.__name__, make=make, modality="table", kind="classification")


class Unseeded(TorchModule):
    def fit(self, *arguments: Any, seed: int, **options: Any) -> Any:
        return super().fit(*arguments, seed=int(torch.randint(2**31, ())), **options)


class Deaf(TorchModule):
    def fit(self, *arguments: Any, seed: int, **options: Any) -> Any:
        return super().fit(*arguments, seed=0, **options)


class BatchNormed(TorchModule):
    """Answers a row relative to those that are asked together with it."""

    def answer(self, views: Any, *arguments: Any, **options: Any) -> Any:
        said = super().answer(views, *arguments, **options)
        for view in views:
            if isinstance(view, Logits):
                said.views[view] = said.views[view] - said.views[view].mean(0)
        return said


class Unforgetting(TorchModule):
    def prepare(self, *arguments: Any) -> None:
        members, version = self._members, self._version
        super().prepare(*arguments)
        self._members, self._version = members, version


class Forgetful(TorchModule):
    def save(self, folder: Any) -> None:
        kept, self._members = self._members, self._members[::-1]
        super().save(folder)
        self._members = kept


class Narrow(TorchModule):
    """Reads the pool that it was prepared for, whichever it is asked about."""

    def answer(self, views: Any, pool: Any, rows: Any, **options: Any) -> Any:
        return super().answer(views, self.pool, rows, **options)


class Untaught(TorchModule):
    def fit(self, pool: Any, rows: Any, labels: Any, **options: Any) -> Any:
        return super().fit(pool, rows, [labels[0]] * len(labels), **options)


class Sharp(TorchModule):
    def predict(self, *arguments: Any) -> Any:
        answers, offsets = super().predict(*arguments)
        return answers.square(), offsets


class Backwards(Classification):
    def decide(self, answers: Any, offsets: Any) -> Any:
        return [self.classes[pos] for pos in answers.argmin(-1).tolist()]


class Summed(Tokens):
    def losses(self, outputs: Any, targets: Any) -> Any:
        return super().losses(outputs, targets) * targets.shape[1]


class Rounded(Regression):
    def encode(self, label: Any) -> float:
        return float(super().encode(label) // 10)


class Costly(Simulated):
    def __call__(self, rows: Any) -> Any:
        return super().__call__(np.sort(rows))


class Turns(Simulated):
    """Two people who take turns, so who answers a row depends on what is asked before it."""

    annotators = ("ann", "bob")

    def answers(self, rows: Any, **options: Any) -> Any:
        said = super().answers(rows, **options)
        return [replace(answer, annotator=self.annotators[place % 2]) for place, answer in enumerate(said)]


class Doubled(Turns):
    """Says that a row costs one label, and takes two."""

    def answers(self, rows: Any, **options: Any) -> Any:
        said = Simulated.answers(self, rows, **options)
        return [replace(answer, annotator=name) for answer in said for name in self.annotators]


class Eager(Simulated):
    def __init__(self, pool: Any) -> None:
        self._pool = pool


@dataclass(frozen=True, kw_only=True)
class Fickle(Stopping):
    """Looks at the last score alone."""

    metric: str

    def judge(self, rounds: Any) -> Verdict:
        score = rounds[-1].validation.get(self.metric, 0.0) if rounds else 0.0
        return Verdict(stop=0.45 < score < 0.8, text=f"scores {score}")


@dataclass(frozen=True, kw_only=True)
class Endless(Plateau):
    def judge(self, rounds: Any) -> Verdict:
        return Verdict(stop=False, text="never enough")


@dataclass(frozen=True, kw_only=True)
class Careless(Plateau):
    limits: ClassVar = {}


@dataclass(frozen=True, kw_only=True)
class Mute(Plateau):
    def judge(self, rounds: Any) -> Verdict:
        return Verdict(stop=super().judge(rounds).stop, text="")


@dataclass(frozen=True, kw_only=True)
class Nosy(Plateau):
    """Looks at predictions, which it does not declare."""

    def judge(self, rounds: Any) -> Verdict:
        said = super().judge(rounds)
        return Verdict(stop=said.stop, text=f"{said.text}, {len(rounds[-1].predictions) if rounds else 0} rows")


@dataclass(frozen=True, kw_only=True)
class Particular(Plateau):
    """Wants its rounds in a list of its own making."""

    def judge(self, rounds: Any) -> Verdict:
        said = super().judge(rounds)
        return Verdict(stop=said.stop, text=f"{said.text} {id(rounds[0].validation) if rounds else ''}")


@dataclass(frozen=True, kw_only=True)
class Generous(Budget):
    def room(self, rounds: Any) -> int:
        return super().room(rounds) + 1


class Forward(VariableUncertainty):
    """Asks where the model is sure."""

    def choice(self, passing: Passing, state: Any, rng: Any) -> Choice:
        return super().choice(replace(passing, confidence=1.25 - passing.confidence), state, rng)


class Lavish(FixedUncertainty):
    """Asks of everything, and says that it looks."""

    def choice(self, passing: Passing, state: Any, rng: Any) -> Choice:
        return Choice(ask=True, reason="why not", state=state)


class Hoarding(VariableUncertainty):
    def choice(self, passing: Passing, state: Any, rng: Any) -> Choice:
        said = super().choice(passing, state, rng)
        return replace(said, state={**said.state, "seen": np.zeros(1)})


class Writing(VariableUncertainty):
    def choice(self, passing: Passing, state: Any, rng: Any) -> Choice:
        said = super().choice(passing, state, rng)
        state.update(said.state)
        return said


class Silent(FixedUncertainty):
    def choice(self, passing: Passing, state: Any, rng: Any) -> Choice:
        said = super().choice(passing, state, rng)
        return replace(said, ask=said.ask and passing.number % 3 == 0)


@pytest.mark.parametrize(
    ("role", "subject", "check"),
    [
        ("adapter", case(Unseeded), "same_arguments_give_same_weights"),
        ("adapter", case(Unseeded), "leaves_its_surroundings"),
        ("adapter", case(Deaf), "same_arguments_give_same_weights"),
        ("adapter", case(BatchNormed), "halves_make_the_whole"),
        ("adapter", case(Unforgetting), "prepare_again_is_cheap_and_forgets"),
        ("adapter", case(Forgetful), "saved_and_loaded"),
        ("adapter", case(Narrow), "reads_the_pool_it_is_asked_about"),
        ("adapter", case(Untaught), "learns"),
        ("adapter", case(Sharp), "predicts_what_it_answers"),
        ("task", Backwards, "perfect_answers_score_perfectly"),
        ("task", Backwards, "declares_itself"),
        ("task", Summed, "losses_are_one_a_row"),
        ("task", Rounded, "labels_round_trip"),
        ("task", Rounded, "perfect_answers_score_perfectly"),
        ("oracle", Costly, "answers_the_truth"),
        ("oracle", Turns, "answers_are_repeated"),
        ("oracle", Doubled, "cost_adds_up"),
        ("oracle", Eager, "refuses_a_pool_without_labels"),
        ("stopping", Fickle, "never_un_stops_without_new_labels"),
        ("stopping", Fickle, "goes_on_at_first"),
        ("stopping", Endless, "stops_when_labels_no_longer_help"),
        ("stopping", Careless, "refuses_options_without_sense"),
        ("stopping", Mute, "says_where_it_stands"),
        ("stopping", Nosy, "sees_what_it_declares"),
        ("stopping", Particular, "survives_storage"),
        ("stopping", Generous, "a_room_is_kept_to"),
        ("stream", Forward, "meaning"),
        ("stream", Lavish, "meaning"),
        ("stream", Hoarding, "state_is_plain"),
        ("stream", Writing, "depends_on_what_it_is_handed"),
        ("stream", Silent, "spends_what_it_has"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_fault_is_caught(monkeypatch: pytest.MonkeyPatch, role: str, subject: Any, check: str) -> None:
    # Tasks are made by their registry, so a faulty one has to stand there.
    if role == "task":
        from querist.testing import toy_pools

        made = toy_pools.make_task
        monkeypatch.setattr(
            toy_pools,
            "make_task",
            lambda kind, classes: subject(classes) if kind == subject.kind else made(kind, classes),
        )
    with pytest.raises(CheckFailed, match=check):
        run_check(checks_for(role)[check], subject, name=check)
