"""What every strategy promises.

Each check takes the class, builds it with its defaults and tries it on every task that it declares.
"""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Iterator
from typing import Any

import torch

from querist.core.docstrings import WHY, sections
from querist.core.errors import ColdStart, NonFinite, PoolExhausted, UsageError
from querist.core.rng import generator
from querist.selectors.points import FactoredPoints
from querist.strategies.base import Strategy
from querist.testing import toys
from querist.testing.checks.base import global_generators_untouched, no_table_of, raises, require
from querist.testing.checks.law import obeys_law
from querist.testing.checks.selector import costs_least, gains_most
from querist.testing.naive.strategies import twin_of
from querist.views import Embeddings, Head, Snapshot

LABELLED = list(range(6))
_FAST_S = 30.0
"""Seconds for 50,000 rows: loose, since machines differ; a Python loop over pairs takes hours."""


def _cases(cls: type[Strategy], **size: int) -> Iterator[tuple[Strategy, toys.Table]]:
    for task in cls.tasks:
        table = toys.mixed(task, **size)
        yield cls(), table.with_head() if Head() in cls().needs_for(task) else table


def _ids(n: int) -> list[int]:
    """Row ids that are no positions, so that mixing them up shows."""
    return [1000 + 7 * pos for pos in range(n)]


def check_declares_itself(cls: type[Strategy]) -> None:
    """It is a frozen value that says what it needs, serves and costs."""
    strategy = cls()
    require(dataclasses.is_dataclass(cls), "it is not a dataclass")
    require(strategy == cls() and hash(strategy) == hash(cls()), "two with the same options are not equal")
    require(bool(cls.family) and bool(cls.tasks), "it names no family or no task")
    require(isinstance(cls.rows, tuple), "rows is not a tuple of ids")
    require(all(reason for reason in cls.known_gaps.values()), "a known gap has no reason")
    for task in cls.tasks:
        needs = strategy.needs_for(task)
        require(isinstance(needs, tuple) and needs == strategy.needs_for(task), "needs are not a constant tuple")
    for field in dataclasses.fields(strategy):
        raises(dataclasses.FrozenInstanceError, lambda name=field.name: setattr(strategy, name, None), "it can change")  # type: ignore[misc]
    require((bool(cls.__doc__) and ">>>" in (cls.__doc__ or "")) or not cls.rows, "its docstring has no example")


def check_says_when(cls: type[Strategy]) -> None:
    """Its docstring has a formula, and says when to use it and when not: a page is made of that."""
    said = sections(cls.__doc__)
    for heading in WHY if cls.rows else ():
        require(len(said.get(heading, "")) > 10, f"its docstring has no section '{heading}:'")


def check_picks_distinct_candidates(cls: type[Strategy]) -> None:
    """``k`` different candidates for one, some and all of them, and in a pool of one."""
    for strategy, table in _cases(cls):
        free = set(_ids(24)[6:])
        for k in (1, 7, 18):
            rows = strategy(table.snapshot(labelled=LABELLED, rows=_ids(24)), k=k, seed=3)
            require(len(rows) == k == len(set(rows.tolist())), f"{table.task}, k = {k}: {rows.tolist()}")
            require(set(rows.tolist()) <= free, f"{table.task}, k = {k}: rows that may not be asked: {rows.tolist()}")
        one = table.take(range(7)).snapshot(labelled=LABELLED, rows=_ids(7))
        require(strategy(one, k=1).tolist() == [_ids(7)[6]], f"{table.task}: a pool of one gives another row")
        few = table.snapshot(labelled=LABELLED, candidates=[23, 9])
        require(set(strategy(few, k=2).tolist()) == {9, 23}, f"{table.task}: rows outside the candidates")


def check_refuses_impossible_k(cls: type[Strategy]) -> None:
    """No rows, fewer than none, and more than there are."""
    for strategy, table in _cases(cls):
        snapshot = table.snapshot(labelled=LABELLED)
        for k, situation in ((0, UsageError), (-1, UsageError), (19, PoolExhausted)):
            raises(situation, lambda k=k, s=strategy, x=snapshot: s(x, k=k), f"{k} of 18 rows must be refused")  # type: ignore[misc]


def check_seed_decides(cls: type[Strategy]) -> None:
    """The same seed gives the same picks; another one does where the strategy draws, and only there."""
    for strategy, table in _cases(cls):
        picks = [strategy(table.snapshot(labelled=LABELLED), k=6, seed=seed).tolist() for seed in (0, 0, 1, 2, 3, 4, 5)]
        require(picks[0] == picks[1], f"{table.task}: two runs with one seed differ")
        differ = any(other != picks[0] for other in picks[2:])
        if not cls.deterministic:
            # What is drawn from the pool may be the whole of a small one.
            large = toys.mixed(table.task, n=400).snapshot(labelled=LABELLED)
            differ = differ or len({tuple(strategy(large, k=6, seed=seed).tolist()) for seed in range(6)}) > 1
            require(differ, f"{table.task}: it declares that it draws, and six seeds give the same picks")
        elif not _tied(strategy, table):
            require(not differ, f"{table.task}: it declares itself deterministic, and the seed moves its picks")


def check_leaves_global_generators(cls: type[Strategy]) -> None:
    """Nobody else's random numbers change because it was asked."""
    for strategy, table in _cases(cls):
        with global_generators_untouched():
            strategy(table.snapshot(labelled=LABELLED), k=5)


def check_changes_nothing(cls: type[Strategy]) -> None:
    """Views and positions are after the call what they were before."""
    for strategy, table in _cases(cls):
        snapshot = table.snapshot(labelled=LABELLED)
        handed = [*_tensors(snapshot, strategy), snapshot.at.candidates, snapshot.at.labelled]
        copies = [tensor.clone() for tensor in handed]
        strategy(snapshot, k=5)
        same = all(torch.equal(tensor, copy) for tensor, copy in zip(handed, copies, strict=True))
        require(same, f"{table.task}: it writes into what it was handed")


def check_ignores_pool_order(cls: type[Strategy]) -> None:
    """Rows in another order, the same rows picked in the same order (where neither ties nor draws decide)."""
    if not cls.deterministic:
        return
    for strategy, table in _cases(cls):
        if _tied(strategy, table):
            continue
        first = strategy(table.snapshot(labelled=LABELLED, rows=_ids(24)), k=8)
        order = torch.randperm(24, generator=generator(0, "order"))
        where = torch.argsort(order)
        moved = table.take(order).snapshot(labelled=where[LABELLED], rows=torch.tensor(_ids(24))[order])
        second = strategy(moved, k=8)
        require(first.tolist() == second.tolist(), f"{table.task}: the order of the pool changes its picks")


def check_identical_rows(cls: type[Strategy]) -> None:
    """A pool of one row many times over is no trap: no scale, no distance, nothing to choose by."""
    for strategy, table in _cases(cls):
        same = table.take([0] * 20)
        for k in (5, 14):
            rows = strategy(same.snapshot(labelled=LABELLED), k=k)
            require(len(set(rows.tolist())) == k, f"{table.task}: {rows.tolist()}")


def check_duplicates(cls: type[Strategy]) -> None:
    """Fewer distinct rows than picks, zero vectors among them."""
    for strategy, table in _cases(cls):
        twice = table.take([*range(12), *range(6, 12), *range(6, 12)])
        for view in twice.answers:
            if type(view).__name__ in ("Embeddings", "Raw"):
                twice.answers[view][6::6] = 0
        rows = strategy(twice.snapshot(labelled=LABELLED), k=18)
        require(len(set(rows.tolist())) == 18, f"{table.task}: {rows.tolist()}")


def check_names_row_with_nan(cls: type[Strategy]) -> None:
    """A row that is not finite is refused by name."""
    for strategy, table in _cases(cls):
        for view in strategy.needs_for(table.task):
            for part in _given(view, table):
                broken = table.take(range(24))
                units = 9 if table.counts is None or part.scope != "unit" else int(table.counts[:9].sum())
                place, named = (units, str(_ids(24)[9])) if part.scope != "model" else (1, "row 1 of the last layer")
                broken.answers[part] = broken.answers[part].clone()
                broken.answers[part].movedim(part.row_axis, 0)[place] = torch.nan
                snapshot = broken.snapshot(labelled=LABELLED, rows=_ids(24))
                text = raises(NonFinite, lambda s=strategy, x=snapshot: s(x, k=3), f"NaN in {part} must be refused")  # type: ignore[misc]
                require(named in text, f"{table.task}: the row with NaN is not named: {text}")


def check_one_class(cls: type[Strategy]) -> None:
    """A network that knows one class only, as after a first batch in which every label was the same."""
    for strategy, table in _cases(cls):
        for view, answer in table.answers.items():
            if type(view).__name__ in ("Probs", "ProbSamples", "Logits"):
                table.answers[view] = torch.ones_like(answer[..., :1])
            if type(view) is Head:
                table.answers[view] = answer[:1]
        table.classes.zero_()
        if table.task == "multilabel":
            continue  # its units always have two classes
        rows = strategy(table.snapshot(labelled=LABELLED), k=6)
        require(len(set(rows.tolist())) == 6, f"{table.task}: {rows.tolist()}")


def check_no_labels(cls: type[Strategy]) -> None:
    """With nothing labelled it works, or raises ``ColdStart`` as it declares."""
    for strategy, table in _cases(cls):
        snapshot = table.snapshot()
        if cls.needs_labels:
            raises(ColdStart, lambda s=strategy, x=snapshot: s(x, k=4), "it declares that it needs labels")  # type: ignore[misc]
        else:
            require(len(set(strategy(snapshot, k=4).tolist())) == 4, f"{table.task}: not four rows")


def check_gives_reasons(cls: type[Strategy]) -> None:
    """One short line a pick, for the person who labels it."""
    for strategy, table in _cases(cls):
        reasons = strategy.choose(table.snapshot(labelled=LABELLED), k=5).reasons
        require(len(reasons) == 5, f"{table.task}: {len(reasons)} reasons for 5 picks")
        for reason in reasons:
            fine = 0 < len(reason) <= 160 and "\n" not in reason and "nan" not in reason and "tensor" not in reason
            require(fine, f"{table.task}: {reason!r} is no short line")


def check_scores_are_maps(cls: type[Strategy]) -> None:
    """Scores of two halves of the table, computed apart, are those of the whole: so they can come block by block."""
    for strategy, table in _cases(cls):
        scores = getattr(strategy, "row_scores", None)
        if scores is None:
            return
        snapshot = table.snapshot(labelled=LABELLED)
        keys, views, at = strategy.needs_for(table.task), _answers(snapshot, strategy), snapshot.at
        whole = scores(*views, at=at)
        for size in (10, 24):
            parts = [
                scores(*(key.cut(view, rows, at=at) for key, view in zip(keys, views, strict=True)), at=part)
                for rows, part in at.blocks(size)
            ]
            off = float((torch.cat(parts) - whole).abs().max())
            require(off < 1e-5, f"{table.task}: scores of blocks of {size} rows are {off:.2g} away from the whole's")


def check_takes_half_precision(cls: type[Strategy]) -> None:
    """Tables in half precision are picked from as if their numbers stood in float32."""
    for strategy, table in _cases(cls):
        half = {view: answer.half() for view, answer in table.answers.items()}
        picks = [
            strategy(dataclasses.replace(table, answers=answers).snapshot(labelled=LABELLED), k=5).tolist()
            for answers in (half, {view: answer.float() for view, answer in half.items()})
        ]
        require(picks[0] == picks[1], f"{table.task}: {picks[0]} in half precision, {picks[1]} in float32")


def check_large_pool(cls: type[Strategy]) -> None:
    """Nothing grows with the square of the pool: first measured on 3,000 rows, then 50,000 are chosen from."""
    for n, k in ((3_000, 40), (50_000, 100)):
        for strategy, table in _cases(cls, n=n, d=8):
            snapshot = table.snapshot(labelled=LABELLED)
            tensors = _tensors(snapshot, strategy)
            room = max([500 * n, *(4 * tensor.numel() for tensor in tensors)])
            started = time.process_time()  # others on the machine do not count
            with no_table_of(room):
                rows = strategy(snapshot, k=k)
            seconds = time.process_time() - started
            require(len(set(rows.tolist())) == k, f"{table.task}: not {k} rows")
            require(seconds < _FAST_S, f"{table.task}: {seconds:.0f} s for {n} rows")
            if n > 3_000:
                break  # one task is enough to see the time


def check_meaning(cls: type[Strategy]) -> None:
    """It finds the signal planted for its family, or for it, better than 200 lots of random batches."""
    for task in cls.tasks:
        worlds = [toys.planted(cls.signal or cls.family, task, seed=seed) for seed in range(5)]
        if Head() in cls().needs_for(task):
            worlds = [world.with_head() for world in worlds]
        gain = sum(w.gain(cls().choose(w.snapshot, k=w.k, seed=s).positions) for s, w in enumerate(worlds)) / 5
        rng = generator(0, "chance")
        chance = max(sum(world.chance(rng) for world in worlds) / 5 for _ in range(200))
        require(gain > chance, f"{task}: gain {gain:.2f}, random batches reach {chance:.2f} ({worlds[0].about})")


def check_equals_twin(cls: type[Strategy]) -> None:
    """It picks what its naive twin picks, where it has one; all that serve a row of the literature have."""
    found = twin_of(cls)
    if found is None:
        outside = not cls.__module__.startswith("querist.")
        require(outside or not cls.rows, "it serves a row of the literature and has no twin in querist.testing.naive")
        return
    flavour, twin = found
    for strategy, table in _cases(cls):
        if flavour == "law":
            # Two directions in very different lengths: were all distances alike, so would be all laws.
            few = table.take([0, 1, 2, 3, 4, 5, 4, 5, 4])
            few.answers[Embeddings()] *= torch.linspace(0.3, 3, 9)[:, None]
            world = few.snapshot(labelled=range(4))
            plain = _plain(world, strategy)
            obeys_law(
                lambda seed, s=strategy, x=world: s.choose(x, k=2, seed=seed).positions.tolist(),  # type: ignore[misc]
                lambda picked, s=strategy, x=world, v=plain: twin(s, *v, at=x.at, picked=picked),  # type: ignore[misc]
            )
            continue
        snapshot = table.snapshot(labelled=LABELLED)
        views = _plain(snapshot, strategy)
        picked = strategy.choose(snapshot, k=5, seed=0).positions.tolist()
        if flavour == "value":
            of = functools.partial(twin, strategy, *views, at=snapshot.at, k=5)
            free = [pos for pos in snapshot.at.candidates.tolist() if of(chosen=[pos]) is not None]
            gains_most(picked, free, lambda chosen, f=of: f(chosen=chosen))  # type: ignore[misc]
            continue
        if flavour == "cost":
            costs_least(
                picked, snapshot.at.candidates.tolist(), functools.partial(_cost, twin, strategy, views, snapshot)
            )
            continue
        if flavour == "picks":
            expected = twin(strategy, *views, at=snapshot.at, k=5, rng=generator(0, "pick"))
            require(picked == expected, f"{table.task}: picked {picked}, its twin {expected}")
        else:
            scores = twin(strategy, *views, at=snapshot.at)
            mine = strategy.row_scores(*_answers(snapshot, strategy), at=snapshot.at)  # type: ignore[attr-defined]
            off = float((mine.double() - torch.tensor(scores, dtype=torch.float64)).abs().max())
            require(off < 1e-5, f"{table.task}: its scores are {off:.2g} away from its twin's")
            best = sorted((scores[pos] for pos in snapshot.at.candidates.tolist()), reverse=True)[:5]
            # Scores and not positions, since rows may tie.
            off = max(abs(scores[pos] - want) for pos, want in zip(picked, best, strict=True))
            require(off < 1e-5, f"{table.task}: picked scores {[scores[pos] for pos in picked]}, the best are {best}")


def _cost(twin: Any, strategy: Strategy, views: list[Any], snapshot: Snapshot, chosen: list[int]) -> float:
    return twin(strategy, *views, at=snapshot.at, chosen=chosen)


def _tied(strategy: Strategy, table: toys.Table) -> bool:
    """Whether the seed may decide between equals: its scores, where it has them, are not all different."""
    snapshot = table.snapshot(labelled=LABELLED)
    scores = getattr(strategy, "row_scores", None)
    if scores is None:
        return False
    values = scores(*_answers(snapshot, strategy), at=snapshot.at)
    return len(values[snapshot.at.candidates].unique()) < len(snapshot.at.candidates)


def _answers(snapshot: Snapshot, strategy: Strategy) -> list[Any]:
    return [snapshot[view] for view in strategy.needs_for(snapshot.at.task)]


def _tensors(snapshot: Snapshot, strategy: Strategy) -> list[torch.Tensor]:
    return [
        tensor
        for answer in _answers(snapshot, strategy)
        for tensor in ((answer.left, answer.right) if isinstance(answer, FactoredPoints) else (answer,))
    ]


def _plain(snapshot: Snapshot, strategy: Strategy) -> list[Any]:
    answers = _answers(snapshot, strategy)
    return [(x.dense() if isinstance(x, FactoredPoints) else x).double().tolist() for x in answers]


def _given(view: Any, table: toys.Table) -> list[Any]:
    """The views of the table that ``view`` is computed from."""
    same = [key for key in table.answers if type(key) is type(view)]
    return same or [given for part in view.parts() for given in _given(part, table)]
