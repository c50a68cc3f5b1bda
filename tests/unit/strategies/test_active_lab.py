"""ActiveLab: figures of the authors' program, single answers, and what it asks again."""

import math

import numpy as np
import pytest
import torch

from querist.core.errors import DataError
from querist.core.rng import generator
from querist.strategies import ActiveLab
from querist.testing.naive.strategies.annotators import active_lab_picks
from querist.views import Answers, Probs, Snapshot


def certainties(snapshot: Snapshot) -> torch.Tensor:
    return ActiveLab().certainties(snapshot[Probs()], snapshot[Answers()], at=snapshot.at)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("answered", [0.0, 0.25, 0.8])
def test_equals_its_twin_whatever_was_answered(seed, answered):
    rng = np.random.default_rng(seed)
    table = np.where(rng.random((14, 3)) < answered, rng.integers(3, size=(14, 3)), -1)
    if answered == 0.25:  # one answer a row at most
        table[np.arange(14), (table >= 0).argmax(1)] = rng.integers(3, size=14)
        table[np.cumsum(table >= 0, 1) > 1] = -1
    probs = torch.randn(14, 3, generator=generator(seed), dtype=torch.float64).softmax(1)
    snapshot = Snapshot.from_arrays(probs=probs, answers=table, candidates=range(14))
    said = snapshot[Answers()].double().tolist()
    expected = active_lab_picks(ActiveLab(), probs.tolist(), said, at=snapshot.at, k=6, rng=generator(0))
    assert ActiveLab()(snapshot, k=6).tolist() == expected


def test_more_agreement_is_more_certain_and_contradiction_less():
    table = np.array([[0, -1, -1], [0, 0, -1], [0, 0, 0], [0, 0, 1], [0, 1, -1], [-1, -1, -1], *[[0, 0, 0]] * 20])
    table[6::2] = 1
    probs = np.where(table.max(1, keepdims=True) == 1, [0.2, 0.8], [0.8, 0.2])
    probs[:6] = [0.8, 0.2]
    found = certainties(Snapshot.from_arrays(probs=probs, answers=table)).tolist()
    candidates_alone = found[5]
    assert not math.isnan(candidates_alone)
    assert found[0] < found[1] < found[2]
    assert found[4] < found[3] < found[2]
    assert candidates_alone < found[0]


def test_reasons_tell_new_rows_from_old():
    snapshot = Snapshot.from_arrays(
        probs=[[0.6, 0.4], [0.5, 0.5], [0.9, 0.1]], answers=[[0, 1], [-1, -1], [0, 0]], candidates=range(3)
    )
    reasons = dict(
        zip(*(getattr(ActiveLab().choose(snapshot, k=2), name) for name in ("rows", "reasons")), strict=True)
    )
    assert reasons[0].startswith("2 answered, and it is still sure to 0.")
    assert reasons[1].startswith("nobody answered, it is sure to 0.")


def test_refusals():
    with pytest.raises(DataError, match="names class 2, the model knows 2"):
        ActiveLab()(Snapshot.from_arrays(probs=[[0.5, 0.5]] * 2, answers=[[2], [-1]]), k=1)
    with pytest.raises(DataError, match=r"answers have the shape \[2\]"):
        Snapshot.from_arrays(probs=[[0.5, 0.5]] * 2, answers=[0, 1])
    with pytest.raises(DataError, match="answers has 1"):
        Snapshot.from_arrays(probs=[[0.5, 0.5]] * 2, answers=[[0]])
