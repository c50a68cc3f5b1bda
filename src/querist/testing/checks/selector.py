"""What every selector promises: ``f(points, *, k, labelled=None, candidates=None, rng=None)``."""

from __future__ import annotations

import functools
import inspect
import itertools
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from querist.core.errors import DataError, MemoryTooSmall, PoolExhausted, UsageError
from querist.core.rng import generator
from querist.core.types import Tensor
from querist.testing.checks.base import global_generators_untouched, no_table_of, raises, require
from querist.testing.naive.selectors import twin_of

Selector = Callable[..., Tensor]
LABELLED = [3, 0, 11]


def _points(selector: Selector, n: int = 24, *, seed: int = 0) -> Tensor:
    """What the selector's first parameter asks for."""
    rng = generator(seed, "points")
    first = next(iter(inspect.signature(selector).parameters))
    makers = {
        "scores": lambda: torch.randn(n, generator=rng),
        "points": lambda: torch.randn(n, 5, generator=rng),
        "features": lambda: torch.randn(n, 32, generator=rng),  # more directions than picks
        "prob_samples": lambda: torch.randn(8, n, 2, generator=rng).softmax(-1),  # few joint outcomes
    }
    require(first in makers, f"the checks do not know the parameter {first!r} (known: {', '.join(makers)})")
    return makers[first]()


def _rows(points: Tensor, pos: Any) -> Tensor:
    pos = torch.as_tensor(pos)
    return points[:, pos] if points.ndim == 3 else points[pos]


def _seeded(selector: Selector, points: Any, *, seed: int = 0, **options: Any) -> list[int]:
    return selector(points, rng=generator(seed), **options).tolist()


def check_signature(selector: Selector) -> None:
    """The words that all selectors share, and keywords only after the points."""
    parameters = inspect.signature(selector).parameters
    require({"k", "labelled", "candidates", "rng"} <= set(parameters), f"it takes {list(parameters)}")
    keywords = list(parameters.values())[1:]
    require(all(p.kind is p.KEYWORD_ONLY for p in keywords), "an option can be given by place")
    require(all(p.default is not p.empty for p in keywords if p.name != "k"), "an option has no default")
    scores = next(iter(parameters)) == "scores"  # a number a row, and none beside it that counts
    require(scores or "memory_mb" in parameters, "it takes no memory_mb")


def check_picks_distinct_candidates(selector: Selector) -> None:
    """``k`` different open positions, as long numbers, for one, some and all of them."""
    points = _points(selector)
    for k in (1, 8, 21):
        picked = selector(points, k=k, labelled=LABELLED)
        require(picked.dtype == torch.long, f"positions are {picked.dtype}")
        require(len(set(picked.tolist())) == k, f"k = {k}: {picked.tolist()}")
        require(not set(picked.tolist()) & set(LABELLED), f"k = {k}: labelled ones in {picked.tolist()}")
    few = selector(points, k=2, labelled=LABELLED, candidates=[3, 20, 7])
    require(set(few.tolist()) == {20, 7}, f"of the candidates 20 and 7 came {few.tolist()}")
    require(selector(_rows(points, [0]), k=1).tolist() == [0], "a table of one")


def check_refuses_impossible_k(selector: Selector) -> None:
    """No picks, fewer than none, and more than there are."""
    points = _points(selector)
    for k, situation in ((0, UsageError), (-1, UsageError), (22, PoolExhausted)):
        raises(situation, lambda k=k: selector(points, k=k, labelled=LABELLED), f"{k} of 21 must be refused")  # type: ignore[misc]


def check_takes_numpy(selector: Selector) -> None:
    """Arrays, read-only ones too, give what tensors give; nothing is written."""
    points = _points(selector)
    array = points.numpy().copy()
    array.setflags(write=False)
    picked = selector(array, k=5, labelled=LABELLED)
    require(picked.tolist() == selector(points, k=5, labelled=LABELLED).tolist(), "an array gives other picks")
    require(torch.equal(points, torch.tensor(array)), "it writes into the points")


def check_reads_mapped_files(selector: Selector) -> None:
    """A table mapped from a file gives what it gives in memory, in half precision too."""
    points = _points(selector)
    with tempfile.TemporaryDirectory() as folder:
        for kind in (np.float32, np.float16):
            np.save(f"{folder}/table.npy", points.numpy().astype(kind))
            mapped = np.load(f"{folder}/table.npy", mmap_mode="r")
            loaded = torch.from_numpy(np.load(f"{folder}/table.npy").astype(np.float32))
            if loaded.ndim == 3 and kind is np.float16:
                continue  # rounded so, probabilities do not sum to one
            same = _seeded(selector, mapped, k=6) == _seeded(selector, loaded, k=6)
            require(same, f"a file of {kind.__name__} gives other picks")
            del mapped


def check_keeps_to_memory(selector: Selector) -> None:
    """Too little memory is refused before it starts; just enough gives the same picks."""
    parameters = inspect.signature(selector).parameters
    if "memory_mb" not in parameters:
        return
    # An answer that a clock cuts short may be another one the next time: few points leave it time enough.
    points = _points(selector, 200 if "timeout_s" in parameters else 2_000)
    refused = functools.partial(_seeded, selector, points, k=20, labelled=LABELLED)
    text = raises(MemoryTooSmall, lambda: refused(memory_mb=0.01), "10 kB must be refused")
    require("MB" in text, f"it does not say how much it takes: {text}")
    enough = 0.125
    while enough < 1024:
        try:
            picked = refused(memory_mb=enough)
            break
        except MemoryTooSmall:
            enough *= 1.25
    require(picked == refused(), f"{enough:.2f} MB give other picks")


def check_refuses_bad_positions(selector: Selector) -> None:
    """Positions outside the table, and the same one twice, among the labelled and the candidates."""
    points = _points(selector)
    for bad in ([24], [-1], [3, 5, 3]):
        raises(DataError, lambda bad=bad: selector(points, k=2, labelled=bad), f"labelled={bad} must be refused")  # type: ignore[misc]
        raises(DataError, lambda bad=bad: selector(points, k=2, candidates=bad), f"candidates={bad} must be refused")  # type: ignore[misc]


def check_seed_decides(selector: Selector) -> None:
    """One seed gives one answer, no generator means seed 0, and global generators stand still."""
    points = _points(selector)
    with global_generators_untouched():
        picks = [_seeded(selector, points, seed=seed, k=6) for seed in (0, 0, 1)]
        require(selector(points, k=6).tolist() == picks[0], "rng=None is not seed 0")
    require(picks[0] == picks[1], "one seed gives two answers")


def check_identical_points(selector: Selector) -> None:
    """Nothing to choose by: still ``k`` different positions, and the seed chooses, not the place."""
    points = _rows(_points(selector), [0] * 30)
    answers = [_seeded(selector, points, seed=seed, k=12, labelled=LABELLED) for seed in range(6)]
    for picked in answers:
        require(len(set(picked) - set(LABELLED)) == 12, f"{picked}")
    require(len({tuple(picked) for picked in answers}) > 1, "among equals the place decides")


def check_duplicates(selector: Selector) -> None:
    """Fewer distinct points than picks; all distinct ones come before the second of any (where it looks at points)."""
    points = _points(selector)
    twice = _rows(points, [*range(8), *range(8), *range(8)])
    picked = _seeded(selector, twice, k=24)
    require(sorted(picked) == list(range(24)), f"{picked}")
    if points.ndim == 2 and next(iter(inspect.signature(selector).parameters)) in ("points", "features"):
        first = [pos % 8 for pos in _seeded(selector, twice, k=8)]
        require(len(set(first)) == 8, f"a point comes twice before all came once: {first}")


def check_prefix_law(selector: Selector) -> None:
    """A selector that no seed moves goes on where it stopped: half, then the rest, is the whole.

    Not one that looks for the best of all sets, as its twin tells: the best twelve need not hold the best six.
    """
    found = twin_of(selector.__name__)
    if found is not None and found[0] == "cost":
        return
    points = _points(selector)
    whole = _seeded(selector, points, k=12, labelled=LABELLED)
    if whole != _seeded(selector, points, seed=1, k=12, labelled=LABELLED):
        return
    half = _seeded(selector, points, k=6, labelled=LABELLED)
    rest = _seeded(selector, points, k=6, labelled=[*LABELLED, *half])
    require(half + rest == whole, f"{half} and then {rest}, at once {whole}")


def check_no_square_table(selector: Selector) -> None:
    """Memory in proportion to the points."""
    n = 3_000
    points = _points(selector, n)
    with no_table_of(max(500 * n, 4 * points.numel())):
        selector(points, k=50, labelled=LABELLED)


def gains_most(picked: list[int], free: list[int], value: Callable[[list[int]], float]) -> None:
    """No other free position would have raised the value of the set more than the pick did.

    Raises:
        CheckFailed: one would have.
    """
    for order, pos in enumerate(picked):
        before = picked[:order]
        values = {other: value([*before, other]) for other in free if other not in before}
        best = max(values.values())
        require(values[pos] >= best - 1e-5 * abs(best), f"pick {order} reaches {values[pos]:.6g}, another {best:.6g}")


def costs_least(picked: list[int], free: list[int], cost: Callable[[list[int]], float]) -> None:
    """No other set of as many free positions costs less: all are tried.

    Raises:
        CheckFailed: one does.
    """
    best = min(cost(list(some)) for some in itertools.combinations(free, len(picked)))
    require(cost(picked) <= best + 1e-5 * abs(best), f"the picks cost {cost(picked):.6g}, another set {best:.6g}")


def check_equals_twin(selector: Selector) -> None:
    """It picks what its naive twin picks, draws by the twin's law, or is best by the twin's value or cost."""
    found = twin_of(selector.__name__)
    if found is None:
        require(not selector.__module__.startswith("querist."), "it has no twin in querist.testing.naive.selectors")
        return
    flavour, twin = found
    candidates = [pos for pos in range(24) if pos % 5]
    if flavour in ("value", "cost"):
        k, best = (6, gains_most) if flavour == "value" else (4, costs_least)
        for seed in range(3):
            points = _points(selector, seed=seed)
            mine = _seeded(selector, points, seed=seed, k=k, labelled=LABELLED, candidates=candidates)
            free = [pos for pos in candidates if pos not in LABELLED]
            best(mine, free, functools.partial(twin, points.tolist(), labelled=LABELLED, candidates=candidates))
        return
    if flavour == "picks":
        for seed in range(5):
            points = _points(selector, seed=seed)
            options: dict[str, Any] = {"k": 6, "labelled": LABELLED, "candidates": candidates}
            if "weights" in inspect.signature(selector).parameters:
                # Of two equal points in one cluster neither is nearer the centre; uneven weights leave no ties.
                options["weights"] = torch.rand(24, generator=generator(seed, "weights")).tolist()
            mine = _seeded(selector, points, seed=seed, **options)
            expected = twin(points.tolist(), rng=generator(seed), **options)
            require(mine == expected, f"picked {mine}, its twin {expected}")
        return
    points = _points(selector, 6)
    seen = dict.fromkeys(range(6), 0)
    where = {"labelled": [5], "candidates": [0, 1, 2, 3]}
    for seed in range(400):
        seen[_seeded(selector, points, seed=seed, k=1, **where)[0]] += 1
    for pos, chance in twin(points.tolist(), picked=[], **where).items():
        spread = (400 * chance * (1 - chance)) ** 0.5
        require(
            abs(seen[pos] - 400 * chance) <= 4 * spread,
            f"position {pos} came {seen[pos]} times, not {400 * chance:.0f}",
        )
