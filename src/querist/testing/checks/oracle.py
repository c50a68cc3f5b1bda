"""What every oracle promises."""

from __future__ import annotations

import numpy as np

from querist.core.errors import DataError
from querist.loop.session import Session
from querist.oracles.base import Oracle
from querist.pool.pool import Pool
from querist.testing.checks.base import global_generators_untouched, raises, require
from querist.testing.toy_pools import ToyPool, kinds_of, toy_pool

_TOYS = [("tokens", "tokens"), *(("table", kind) for kind in kinds_of("table"))]


def _known(toy: ToyPool) -> Pool:
    """The toy, with its labels in the pool."""
    payloads = [toy.pool[row] for row in toy.pool.rows()]
    arrays = payloads if toy.pool.modality == "tokens" else np.stack(payloads)
    return Pool.from_arrays(arrays, toy.labels, test=0.25)


def check_answers_the_truth(cls: type[Oracle]) -> None:
    """Each row gets the label that the data have for it, in the order asked."""
    for modality, kind in _TOYS:
        pool = _known(toy_pool(modality, kind))
        rows = pool.rows("train")[::-2]
        require(list(cls(pool)(rows)) == pool.truth(rows), f"{kind}: answers are not the labels of the rows")


def check_asked_in_parts(cls: type[Oracle]) -> None:
    """What it answers does not depend on how rows are asked together, on the clock or on global generators."""
    for modality, kind in _TOYS:
        pool = _known(toy_pool(modality, kind))
        rows, size = pool.rows("train"), len(pool)
        with global_generators_untouched():
            whole = list(cls(pool)(rows))
        oracle = cls(pool)
        parts = [*oracle(rows[:3]), *oracle(rows[3:4]), *oracle(rows[4:])]
        require(parts == whole and len(whole) == len(rows), f"{kind}: parts differ from the whole")
        require(not list(oracle(rows[:0])), f"{kind}: it answers when nothing is asked")
        require(len(pool) == size, f"{kind}: it changes the pool")


def check_refuses_a_pool_without_labels(cls: type[Oracle]) -> None:
    """Where there is nothing to answer from, it says so before anybody waits for it."""
    for modality, kind in _TOYS:
        pool = toy_pool(modality, kind).pool
        said = raises(DataError, lambda pool=pool: cls(pool), "a pool without labels must be refused")  # type: ignore[misc]
        require(pool.name in said, "it does not name the pool")


def check_cost_adds_up(cls: type[Oracle]) -> None:
    """The bill of a session is the number of labels that were given, also when it is opened again."""
    for modality, kind in _TOYS:
        pool = _known(toy_pool(modality, kind))
        oracle, session, given = cls(pool), Session(pool, strategy="random"), 0
        for k in (3, 1, 5):
            rows = session.ask(k)
            said = oracle.answers(rows)
            require({answer.row for answer in said} == set(rows.tolist()), f"{kind}: not every row is answered")
            names = [answer.annotator for answer in said]
            session.tell([answer.row for answer in said], [answer.label for answer in said], annotator=names)
            given += k * oracle.votes
            require(len(said) == k * oracle.votes, f"{kind}: {len(said)} answers to {k} rows of {oracle.votes} votes")
            require(session.labels == given, f"{kind}: {given} labels were given, {session.labels} are on the bill")
        require(given == len(list(session.journal.events())), f"{kind}: the journal counts otherwise")
        require(Session(pool, journal=session.journal).labels == given, f"{kind}: opened again, the bill is another")
        by = {name for row in session.state.rows.tolist() for name in session.state.answers(row)}
        require(bool(by) and by <= set(oracle.annotators), f"{kind}: the journal names {by}")
        prices = [oracle.price(event.query.row, event.annotator) for event in session.journal.events()]
        bill = oracle.bill(session.journal.events())
        require(min(prices) >= 0 and abs(bill - sum(prices)) < 1e-9, f"{kind}: the bill is {bill}, prices {prices}")


def check_answers_are_repeated(cls: type[Oracle]) -> None:
    """Who says what of a row depends on the row alone, so a run that was cut off and goes on gets the same answers."""
    for modality, kind in _TOYS:
        pool = _known(toy_pool(modality, kind))
        rows = pool.rows("train")
        whole = cls(pool).answers(rows)
        again = [answer for row in rows[::-1] for answer in cls(pool).answers(np.array([row]))]
        said = [{(one.row, one.annotator): one.label for one in answers} for answers in (whole, again)]
        require(said[0] == said[1], f"{kind}: asked in another order, another answer")
        require(not cls(pool).answers(rows[:0]), f"{kind}: it answers when nothing is asked")
