"""Many annotators in the loop: answers again, resumed in the middle, agreed labels, and the budget."""

from pathlib import Path

import numpy as np
import pytest

from querist.core.errors import PoolExhausted, UnknownName, UsageError
from querist.loop.agreed import agreed_labels
from querist.loop.campaign import run_campaign
from querist.loop.session import Session
from querist.oracles.noisy_annotators import Annotator, NoisyAnnotators
from querist.pool.pool import Pool
from querist.storage.journal import Journal

CROWD = [Annotator(name=name, accuracy=0.75) for name in "abc"]


@pytest.fixture(scope="module")
def pool() -> Pool:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(160, 4)).astype(np.float32)
    return Pool.from_arrays(x, np.where(x[:, 0] + 0.3 * x[:, 1] > 0, "yes", "no"), test=0.4)


def session(pool: Pool, journal: Journal | None = None, **options) -> Session:
    given = {"model": "sklearn:LogisticRegression", "strategy": "active_lab", "overlap": 3, "seed": 0, **options}
    return Session(pool, **given) if journal is None else Session.replay(journal, pool, **given)


def run(session: Session, oracle: NoisyAnnotators, budget: int = 60, batch: int = 8) -> str:
    return run_campaign(session, oracle, arm="x", initial=16, batch=batch, budget=budget, metric="accuracy")


def test_active_lab_asks_old_rows_again_and_new_ones(pool):
    asked = session(pool)
    assert run(asked, NoisyAnnotators(pool, CROWD)) == "budget of 60 labels spent" or asked.labels == 60
    counts = [len(asked.state.answers(row)) for row in asked.state.rows.tolist()]
    assert sum(counts) == asked.labels == 60
    assert max(counts) <= 3
    assert 16 < len(counts) < 60  # some rows are new, some answers are second ones
    first = {pick.row for pick in asked.journal.rounds("main")[0].picks}
    later = {pick.row for record in asked.journal.rounds("main")[1:] for pick in record.picks}
    assert first & later


def test_other_strategies_and_an_overlap_of_one_never_ask_again(pool):
    for options in ({"strategy": "margin"}, {"overlap": 1}):
        asked = session(pool, **options)
        run(asked, NoisyAnnotators(pool, CROWD), budget=40)
        assert len(asked.state) == asked.labels == 40
        assert not len(asked.open_again)


def test_rows_asked_again_are_pending_until_they_are_answered(pool, tmp_path: Path):
    oracle = NoisyAnnotators(pool, CROWD)
    with Journal.open(str(tmp_path / "querist.db"), create=True) as journal:
        asked = session(pool, journal)
        while True:
            rows = asked.pending if len(asked.pending) else asked.ask(8)
            old = [row for row in rows.tolist() if row in asked.state]
            if old:
                break
            said = oracle.answers(rows)
            asked.tell([one.row for one in said], [one.label for one in said], annotator=[s.annotator for s in said])
            asked.fit()
            asked.close_round({"accuracy": 0.0})
        # Killed here: the rows are labelled, and their further answers are still to come.
        again = session(pool, journal)
        assert again.pending.tolist() == asked.pending.tolist() == rows.tolist()
        row = old[0]
        (said_next,) = oracle.answers(np.array([row]), given={row: again.state.answers(row)})
        again.tell([row], [said_next.label], annotator=said_next.annotator)
        assert row not in again.pending
        assert row not in session(pool, journal).pending
        assert len(again.pending) == len(rows) - 1


def test_a_resumed_campaign_gets_the_same_answers(pool, tmp_path: Path):
    whole, part = session(pool), None
    run(whole, NoisyAnnotators(pool, CROWD, seed=3))
    with Journal.open(str(tmp_path / "querist.db"), create=True) as journal:
        run(session(pool, journal), NoisyAnnotators(pool, CROWD, seed=3), budget=32)
        part = session(pool, journal)
        run(part, NoisyAnnotators(pool, CROWD, seed=3))
        assert [part.state.answers(row) for row in part.state.rows.tolist()] == [
            whole.state.answers(row) for row in whole.state.rows.tolist()
        ]


def test_several_votes_a_row_are_on_the_budget(pool):
    asked = session(pool, strategy="random")
    reason = run(asked, NoisyAnnotators(pool, CROWD, votes=3), budget=62)
    assert asked.labels == 60
    assert len(asked.state) == 20
    assert reason == "2 labels are left, and a row takes 3"


def test_training_takes_what_the_crowd_agrees_on(pool):
    asked = session(pool, strategy="random", consensus="one_coin")
    rows = asked.assign(pool.rows()[:30])
    truth = pool.truth(rows)
    flipped = ["yes" if label == "no" else "no" for label in truth]
    rng = np.random.default_rng(0)
    # Two are always right, three toss coins of their own: a majority is often wrong, one coin is not.
    for name in ("good", "better"):
        asked.tell(rows, truth, annotator=name)
    for name in ("x", "y", "z"):
        tossed = [t if rng.random() < 0.5 else f for t, f in zip(truth, flipped, strict=True)]
        asked.tell(rows, tossed, annotator=name)
    agreed = agreed_labels(asked.state, asked.task, how="one_coin")
    assert agreed == truth
    assert agreed_labels(asked.state, asked.task) != truth
    asked.fit()
    answers, offsets = asked.adapter.predict(pool, rows)
    assert asked.task.evaluate(answers, offsets, truth)["accuracy"] > 0.8  # a majority is a third wrong


def test_refusals(pool):
    with pytest.raises(UsageError, match="cannot get 0 answers"):
        session(pool, overlap=0)
    with pytest.raises(UnknownName, match="no consensus is called 'dawidskene'; did you mean 'dawid_skene'"):
        session(pool, consensus="dawidskene")
    numbers = Pool.from_arrays(np.eye(4), [0.5, 1.0, 2.0, 0.1])
    with pytest.raises(UsageError, match="mace has no meaning for the task regression"):
        Session(numbers, strategy="random", consensus="mace")
    asked = session(pool)
    with pytest.raises(PoolExhausted, match="are unlabelled"):
        asked.ask(500)
