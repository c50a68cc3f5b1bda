import numpy as np
import pytest
import torch

import querist as q
from querist.core.errors import ColdStart, DataError, PoolExhausted, QueristError, UsageError
from querist.storage.journal import Journal
from querist.strategies.base import Strategy


def grown(session: q.Session, rounds: int = 2, k: int = 10) -> q.Session:
    for _ in range(rounds):
        rows = session.ask(k)
        session.tell(rows, session.pool.truth(rows))
        session.fit()
        session.close_round(session.evaluate())
    return session


def test_four_acts_make_a_round(pool, make_model):
    session = q.Session(pool, model=make_model(), strategy="margin", seed=0)
    rows = session.ask(10)
    assert len(set(rows)) == 10
    assert set(rows) <= set(pool.rows("train"))
    assert session.pending.tolist() == rows.tolist()
    session.tell(rows[:4], pool.truth(rows[:4]))
    assert session.pending.tolist() == rows[4:].tolist()
    session.tell(rows[4:], pool.truth(rows[4:]))
    assert session.labels == 10
    assert not set(rows) & set(session.unlabelled)
    session.fit()
    assert session.evaluate()["accuracy"] > 0.5


def test_learning_pays(pool, make_model):
    session = grown(q.Session(pool, model=make_model(), strategy="badge", seed=0), rounds=5)
    accuracies = [record.metrics["accuracy"] for record in session.journal.rounds("main")]
    assert accuracies[-1] > 0.85
    assert accuracies[-1] > accuracies[0]


def test_the_seed_decides_everything_and_global_generators_stand_still(pool, make_model):
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    one, two, other = (grown(q.Session(pool, model=make_model(), strategy="badge", seed=s)) for s in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()  # noqa: NPY002

    def picks(session: q.Session) -> list[list[int]]:
        return [[pick.row for pick in record.picks] for record in session.journal.rounds("main")]

    assert picks(one) == picks(two) != picks(other)
    assert one.adapter.version == two.adapter.version != other.adapter.version


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("keep_weights", [True, False])
def test_a_replayed_session_goes_on_as_the_first_would_have(tmp_path, pool, make_model, closed, keep_weights):
    weights = tmp_path / "weights" if keep_weights else None

    def open_session(name: str, replay: bool = False) -> q.Session:
        journal = Journal.open(tmp_path / f"{name}.db", create=not replay)
        options = {"model": make_model(), "strategy": "badge", "seed": 3, "weights": weights}
        return q.Session.replay(journal, pool, **options) if replay else q.Session(pool, journal=journal, **options)

    first = grown(open_session("cut"))
    if not closed:
        rows = first.ask(10)
        first.tell(rows[:5], pool.truth(rows[:5]))
    second = open_session("cut", replay=True)
    assert second.labels == first.labels
    assert second.round_is_open == first.round_is_open
    assert second.pending.tolist() == first.pending.tolist()
    assert second.adapter.version == first.adapter.version
    if not closed:
        for session in (first, second):
            rows = session.pending
            if len(rows):
                session.tell(rows, pool.truth(rows))
        # Both wrote to one journal file; the second's labels are the first's, told once.
        second = open_session("cut", replay=True)
    if closed:
        assert first.ask(10).tolist() == second.ask(10).tolist()


def test_labels_told_between_fit_and_close_do_not_change_what_is_trained_again(tmp_path, pool, make_model):
    session = q.Session(pool, model=make_model(), journal=Journal.open(tmp_path / "j.db", create=True), seed=0)
    rows = session.ask(10)
    session.tell(rows, pool.truth(rows))
    session.fit()
    late = session.unlabelled[:5]
    session.tell(late, pool.truth(late), annotator="ann")
    session.close_round(session.evaluate())
    again = q.Session.replay(Journal.open(tmp_path / "j.db", create=False), pool, model=make_model(), seed=0)
    assert again.adapter.version == session.adapter.version
    assert again.labels == 15


def test_ask_with_a_snapshot_of_ones_own_needs_no_adapter(pool):
    session = q.Session(pool, strategy="margin", seed=0)
    left = session.unlabelled
    probs = np.full((len(left), 2), [0.9, 0.1])
    probs[7] = 0.5
    snapshot = q.Snapshot.from_arrays(probs=probs, rows=left)
    assert session.ask(1, snapshot=snapshot).tolist() == [left[7]]


def test_rows_chosen_elsewhere_make_a_round_too(pool, make_model):
    session = q.Session(pool, model=make_model(), strategy="margin", seed=0, candidates=20)
    first = pool.rows("train")[[5, 3, 8]]
    assert session.assign(first, reason="they came with the data").tolist() == first.tolist()
    assert session.pending.tolist() == first.tolist()
    session.tell(first, pool.truth(first))
    session.fit()
    session.close_round(session.evaluate())
    [record] = session.journal.rounds("main")
    assert [pick.reason for pick in record.picks] == ["they came with the data"] * 3
    assert set(session.ask(4)).isdisjoint(first)
    for rows, says in ((first, f"row {first[0]}"), ([], "0 rows"), ([1, 1], "2 rows"), (pool.rows("test")[:1], "row")):
        with pytest.raises(QueristError, match=says):
            session.assign(rows)


def test_a_snapshot_may_not_offer_rows_that_are_not_open(pool):
    session = q.Session(pool, strategy="margin", seed=0)
    rows = session.ask(10)
    session.tell(rows, pool.truth(rows))
    stale = q.Snapshot.from_arrays(probs=np.full((10, 2), 0.5), rows=rows)
    with pytest.raises(DataError, match="is labelled already"):
        session.ask(1, snapshot=stale)


def test_ask_trains_first_if_labels_were_told_and_fit_was_never_called(pool, make_model):
    session = q.Session(pool, model=make_model(), strategy="entropy", seed=0)
    rows = session.ask(10)
    session.tell(rows, pool.truth(rows))
    assert not session.adapter.version
    session.ask(5)
    assert session.adapter.version


@pytest.mark.parametrize(
    ("act", "error", "says"),
    [
        (lambda s: s.ask(0), UsageError, "0 rows were asked for"),
        (lambda s: s.ask(1000), PoolExhausted, "120 are unlabelled"),
        (lambda s: s.fit(), ColdStart, "no labels to train on"),
        (lambda s: s.tell([0, 1], ["ant"]), DataError, "1 labels were told for 2 rows"),
        (lambda s: s.tell([0, 1], ["ant", "ent"]), DataError, "ent"),
        (lambda s: s.tell([0, 9999], ["ant", "bee"]), QueristError, "9999"),
        (lambda s: s.close_round({}), UsageError, "no round is open"),
    ],
)
def test_bad_acts_say_why_and_store_nothing(pool, make_model, act, error, says):
    session = q.Session(pool, model=make_model(), seed=0)
    with pytest.raises(error, match=says):
        act(session)
    assert session.labels == 0
    assert list(session.journal.events()) == []


def test_a_test_row_cannot_be_labelled(pool):
    row = int(pool.rows("test")[0])
    with pytest.raises(DataError, match="no training row"):
        q.Session(pool).tell([row], ["ant"])


def test_retracting_opens_the_row_again_but_stays_on_the_bill(pool):
    session = q.Session(pool, seed=0)
    rows = session.ask(3)
    session.tell(rows, pool.truth(rows))
    session.retract(rows[:1])
    assert rows[0] in session.unlabelled
    assert session.labels == 3


def test_validation_labels_are_on_the_bill_unless_declared_free(pool, make_model):
    rows = pool.rows("train")[:30]
    billed = q.Session(pool, model=make_model(), validation=rows)
    free = q.Session(pool, model=make_model(), validation=pool.rows("validation"), free_validation=True)
    assert (billed.labels, free.labels) == (30, 0)
    assert not set(rows) & set(billed.unlabelled), "a validation row must not be asked again"


def test_candidates_limit_what_is_scored(pool, make_model, counting):
    adapter = counting(make_model())
    session = q.Session(pool, model=adapter, strategy="margin", candidates=25, seed=0)
    grown(session, rounds=2, k=10)
    # The second round scores 25 candidates and the 10 labelled rows.
    assert adapter.answered == [35]


def test_one_forward_pass_serves_all_views_of_a_round(pool, make_model, counting):
    adapter = counting(make_model())
    session = q.Session(pool, model=adapter, strategy="badge", seed=0)
    grown(session, rounds=2)
    assert len(adapter.answered) == 1, "probs and embeddings must come from one pass"


def test_warm_start_goes_on_from_stored_weights(tmp_path, pool, make_model):
    def warm(replay: bool) -> q.Session:
        journal = Journal.open(tmp_path / "warm.db", create=not replay)
        options = {"model": make_model(start="warm"), "strategy": "margin", "weights": tmp_path / "weights", "seed": 0}
        return q.Session.replay(journal, pool, **options) if replay else q.Session(pool, journal=journal, **options)

    first = grown(warm(replay=False))
    second = warm(replay=True)
    assert second.adapter.version == first.adapter.version
    for folder in (tmp_path / "weights").iterdir():
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    with pytest.raises(QueristError, match="went on from the one before"):
        warm(replay=True)


def test_a_strategy_is_handed_no_model_and_no_pool():
    names = set(Strategy.pick.__annotations__)
    assert names == {"views", "at", "k", "rng", "return"}
