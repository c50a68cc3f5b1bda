"""``auto``: who chooses, why, and that a run which was cut goes on with the same one."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import querist as q
from querist.core.errors import UnknownName, UsageError
from querist.loop.advisor import FEW, FEW_FIXED, LARGE, Advice, Advisor, Situation, chooser, explain
from querist.loop.progress import Advised
from querist.loop.run import load_result, run
from querist.loop.settings import RunSettings
from querist.storage.journal import Journal
from querist.strategies import registry
from querist.views import Embeddings, Probs

MANY = Situation(
    task="classification", batch=10, labels=200, classes=4, counts=(50,) * 4, answers=lambda view: not view.parts()
)


def advised(**changes: Any) -> Advice:
    return Advisor().advise(dataclasses.replace(MANY, **changes))


def test_the_budget_decides() -> None:
    few = int(FEW) * MANY.classes
    assert advised(labels=few - 1, counts=(few // 4,) * 4).strategy == "typi_clust"
    assert advised(labels=few, counts=(few // 4,) * 4).strategy == "margin"
    fixed = int(FEW_FIXED) * MANY.classes
    assert advised(labels=fixed - 1, fixed=True).strategy == "typi_clust"
    assert advised(labels=fixed, fixed=True).strategy == "margin"
    assert advised(batch=LARGE - 1).strategy == "margin"
    assert advised(batch=LARGE).strategy == "badge"
    assert advised(labels=0, counts=()).strategy == "typi_clust"


def test_a_class_without_a_label_is_looked_for() -> None:
    found = advised(counts=(190, 5, 5))
    assert found.strategy == "typi_clust"
    assert found.why.startswith("3 of 4 classes have a label")
    assert advised(counts=None).strategy == "margin"  # only the sum is known


def test_the_task_decides() -> None:
    assert advised(task="regression", classes=0, counts=None).strategy == "lcmd"
    assert advised(task="tokens", classes=9, counts=None).strategy == "least_confidence"
    assert advised(task="multilabel", counts=None, batch=100).strategy == "badge"
    for task in ("classification", "multilabel", "regression", "tokens"):
        for labels in (0, 1000):
            for batch in (1, 1000):
                taken = advised(task=task, labels=labels, batch=batch, counts=None).strategy
                assert task in registry[taken].tasks


def test_what_nobody_answers_is_passed_over_and_said() -> None:
    blind = advised(labels=5, answers=lambda view: isinstance(view, Probs))
    assert blind.strategy == "random"
    assert "typi_clust needs Embeddings, which nobody answers" in blind.why
    flat = advised(batch=100, answers=lambda view: isinstance(view, Probs))
    assert flat.strategy == "margin"
    assert "badge needs GradEmbeddings, which nobody answers" in flat.why
    assert advised(answers=lambda view: isinstance(view, Embeddings)).strategy == "max_herding"
    assert advised(answers=lambda view: False).strategy == "random"


def test_it_can_be_overruled() -> None:
    found = Advisor(avoid=("margin", "least_confidence")).advise(MANY)
    assert found.strategy == "entropy"
    assert "margin is avoided; least_confidence is avoided" in found.why
    with pytest.raises(UnknownName, match="margin"):
        Advisor(avoid=("margn",))
    with pytest.raises(UsageError, match="random"):
        Advisor(avoid=("random",))
    strategy, advisor = chooser("badge")
    assert (type(strategy).__name__, advisor) == ("Badge", None)
    assert chooser(Advisor(avoid=("badge",)))[1] == Advisor(avoid=("badge",))


def test_every_advice_is_one_line_and_a_registered_name() -> None:
    for changes in ({}, {"labels": 3}, {"batch": 500}, {"counts": (1,)}, {"task": "regression"}, {"task": "tokens"}):
        found = advised(**changes)
        assert found.strategy in registry
        assert "\n" not in found.why
        assert 10 < len(found.why) < 200
        assert "{" not in found.why
        assert Advice.from_plain(found.to_plain()) == found
    assert Advice.from_plain(None) is None
    assert Advice.from_plain({"arms": [1, 2]}) is None
    assert "margin" in explain()["formula"]


def grow(session: q.Session, batches: list[int]) -> list[list[int]]:
    for k in batches:
        rows = session.ask(k)
        session.tell(rows, session.pool.truth(rows))
        session.fit()
        session.close_round(session.evaluate())
    return [[pick.row for pick in record.picks] for record in session.journal.rounds("main")]


def test_a_session_changes_its_choice_and_a_replayed_one_makes_the_same(
    tmp_path: Any, pool: Any, make_model: Any
) -> None:
    whole = q.Session(pool, model=make_model(), strategy="auto", seed=1)
    expected = grow(whole, [3, 4, 6, 10])
    states = [Advice.from_plain(record.state) for record in whole.journal.rounds("main")]
    assert [state and state.strategy for state in states] == [None, "typi_clust", "typi_clust", "margin"]
    assert next(state.why for state in states[1:] if state).startswith("labels are few (1 a class")
    with Journal.open(tmp_path / "cut.db", create=True) as journal:
        grow(q.Session(pool, model=make_model(), strategy="auto", seed=1, journal=journal), [3, 4])
        again = q.Session.replay(journal, pool, model=make_model(), strategy="auto", seed=1)
        assert grow(again, [6, 10]) == expected
    by_name = q.Session(pool, model=make_model(), strategy="typi_clust", seed=1)
    assert grow(by_name, [3, 4, 6]) == expected[:3]


def test_a_snapshot_of_your_own_is_asked_what_it_holds(pool: Any) -> None:
    session = q.Session(pool, strategy="auto", seed=0)
    rows = pool.rows("train")
    z = np.random.default_rng(0).normal(size=(len(rows), 4)).astype(np.float32)
    session.ask(5, snapshot=q.Snapshot.from_arrays(embeddings=z, rows=rows))
    assert session.advice is not None
    assert session.advice.strategy == "typi_clust"


def test_a_run_tells_and_keeps_who_chose(tmp_path: Any) -> None:
    settings = RunSettings(
        data="digits", strategy="auto", model="sklearn:LogisticRegression", initial=20, batch=30, budget=120
    )
    events: list[Any] = []
    out = tmp_path / "mine"
    result = run(settings, out, listener=events.append)
    told = [event for event in events if isinstance(event, Advised)]
    assert [(event.labels, event.strategy) for event in told] == [(20, "typi_clust"), (80, "margin")]
    said = result.to_json()["advice"]
    assert [entry["strategy"] for entry in said] == ["typi_clust", "margin"]
    assert set(said[0]) == {"seed", "labels", "strategy", "why"}
    assert said == load_result(out).to_json()["advice"]
    named = run(dataclasses.replace(settings, strategy="typi_clust", compare="none"), tmp_path / "named")
    assert named.arms["typi_clust"][0].picked[1] == result.arms["auto"][0].picked[1]
    assert "advice" not in named.to_json()


def test_settings_that_cannot_be() -> None:
    with pytest.raises(UsageError, match="--avoid"):
        RunSettings(avoid=("margin",)).check()
    with pytest.raises(UnknownName, match="margin"):
        RunSettings(strategy="auto", avoid=("margn",)).check()
    with pytest.raises(UnknownName, match="auto"):
        RunSettings(strategy="autoo").check()
    RunSettings(compare="auto", avoid=("margin",)).check()
