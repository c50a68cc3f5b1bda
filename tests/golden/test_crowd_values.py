"""Crowds beside public programs: crowd-kit 1.4.2 (Dawid-Skene, one coin) and cleanlab 2.9.0 (CROWDLAB, ActiveLab).

The figures were printed by those packages for this table of 12 rows, 4 annotators and 3 classes, rounded to 6 places.
"""

import math

import numpy as np
import pytest
import torch

from querist.crowd import Votes, crowdlab, dawid_skene, one_coin
from querist.crowd.crowdlab import voices
from querist.strategies import ActiveLab
from querist.strategies.annotators import active_lab
from querist.views import Answers, Probs, Snapshot

TABLE = [
    [2, -1, -1, 2],
    [1, -1, 1, 1],
    [2, 2, 1, 1],
    [-1, 1, 2, 2],
    [1, 1, -1, 1],
    [-1, -1, 2, 2],
    [2, 2, 2, 2],
    [1, 0, 0, 0],
    [0, 0, -1, 0],
    [-1, 2, 0, -1],
    [0, 0, -1, 2],
    [2, 2, 2, 2],
]
PROBS = [
    [0.053, 0.051, 0.896],
    [0.051, 0.68, 0.269],
    [0.141, 0.268, 0.591],
    [0.195, 0.052, 0.753],
    [0.075, 0.718, 0.207],
    [0.238, 0.137, 0.625],
    [0.265, 0.129, 0.606],
    [0.581, 0.158, 0.261],
    [0.524, 0.251, 0.225],
    [0.741, 0.219, 0.04],
    [0.752, 0.192, 0.056],
    [0.051, 0.041, 0.908],
]
VOTES = Votes.from_table(TABLE, c=3)

DAWID_SKENE = {
    1: [
        [0.0, 0.012023, 0.987977],
        [0.0, 1.0, 0.0],
        [0.0, 0.662466, 0.337534],
        [0.0, 0.045607, 0.954393],
        [0.0, 1.0, 0.0],
        [0.0, 0.012291, 0.987709],
        [0.0, 0.000792, 0.999208],
        [0.994606, 0.005394, 0.0],
        [1.0, 0.0, 0.0],
        [0.466878, 0.082918, 0.450204],
        [0.920837, 0.0, 0.079163],
        [0.0, 0.000792, 0.999208],
    ],
    3: [
        [0.0, 0.000326, 0.999674],
        [0.0, 1.0, 0.0],
        [0.0, 0.998385, 0.001615],
        [0.0, 2e-06, 0.999998],
        [0.0, 1.0, 0.0],
        [0.0, 1e-06, 0.999999],
        [0.0, 0.0, 1.0],
        [1.0, 0.0, 0.0],
        [1.0, 0.0, 0.0],
        [0.542317, 0.049778, 0.407905],
        [0.999986, 0.0, 1.4e-05],
        [0.0, 0.0, 1.0],
    ],
}
ONE_COIN = [
    [0.003897, 0.003279, 0.992824],
    [0.000745, 0.997726, 0.001529],
    [0.00375, 0.671353, 0.324897],
    [0.00226, 0.010732, 0.987008],
    [0.001688, 0.994847, 0.003465],
    [0.00228, 0.001919, 0.995801],
    [5.4e-05, 4.6e-05, 0.9999],
    [0.993093, 0.005208, 0.001698],
    [0.995884, 0.001197, 0.002919],
    [0.507856, 0.033336, 0.458808],
    [0.547353, 0.010914, 0.441733],
    [5.4e-05, 4.6e-05, 0.9999],
]
SKILLS = [0.76206, 0.702824, 0.894079, 0.915461]
LABELS = [2, 1, 2, 2, 1, 2, 2, 0, 0, 0, 0, 2]
CONFIDENCE = [
    0.876726,
    0.750331,
    0.506427,
    0.706209,
    0.76913,
    0.700292,
    0.721461,
    0.614656,
    0.656251,
    0.671436,
    0.662927,
    0.874624,
]
WEIGHTS, MODEL = [0.428571, 0.333333, 0.444444, 0.5], 1.755942

# Printed by cleanlab 2.9.0 with its temperature held at 1.
SCORES = [
    0.802217,
    0.700301,
    0.48744,
    0.660241,
    0.715157,
    0.650231,
    0.678886,
    0.583796,
    0.616258,
    0.622714,
    0.622107,
    0.815247,
]
UNLABELLED = [[0.139, 0.598, 0.263], [0.086, 0.876, 0.038], [0.35, 0.434, 0.216], [0.143, 0.809, 0.048]]
UNLABELLED_SCORES = [0.546269, 0.769933, 0.414324, 0.716028]
# The same with one answer a row, that of the (row number modulo answers)-th who answered.
SINGLE = [
    0.708444,
    0.564444,
    0.289778,
    0.145778,
    0.589778,
    0.527778,
    0.515111,
    0.498444,
    0.460444,
    0.605111,
    0.612444,
    0.716444,
]
SINGLE_UNLABELLED = [0.465667, 0.604667, 0.383667, 0.571167]


def close(mine: torch.Tensor, printed: list) -> None:
    torch.testing.assert_close(mine, torch.tensor(printed, dtype=torch.float64), atol=1e-6, rtol=0)


@pytest.mark.parametrize("steps", DAWID_SKENE)
def test_dawid_skene_as_crowd_kit(steps):
    close(dawid_skene(VOTES, steps=steps, tolerance=-math.inf).probs, DAWID_SKENE[steps])


def test_one_coin_as_crowd_kit():
    found = one_coin(VOTES, steps=3, tolerance=-math.inf)
    close(found.probs, ONE_COIN)
    close(found.quality, SKILLS)


def test_crowdlab_as_cleanlab():
    probs = torch.tensor(PROBS, dtype=torch.float64)
    found, weights = crowdlab(VOTES, probs), voices(VOTES, probs)
    assert found.labels.tolist() == LABELS
    close(found.confidence, CONFIDENCE)
    close(weights.annotators, WEIGHTS)
    assert weights.model == pytest.approx(MODEL, abs=1e-6)


def certainties(snapshot: Snapshot) -> torch.Tensor:
    return ActiveLab().certainties(snapshot[Probs()], snapshot[Answers()], at=snapshot.at)


def both(table: np.ndarray, probs: list, extra: list) -> Snapshot:
    answers = np.concatenate([table, np.full((len(extra), table.shape[1]), -1)])
    return Snapshot.from_arrays(
        probs=torch.tensor([*probs, *extra], dtype=torch.float64), answers=answers, candidates=range(len(answers))
    )


def test_scores_as_cleanlab(monkeypatch):
    monkeypatch.setattr(active_lab, "temperature", lambda votes, probs: 1.0)
    table = np.array(TABLE)
    found = certainties(both(table, PROBS, UNLABELLED))
    torch.testing.assert_close(found, torch.tensor(SCORES + UNLABELLED_SCORES, dtype=found.dtype), atol=2e-6, rtol=0)
    single = np.full_like(table, -1)
    for row, line in enumerate(table):
        who = np.flatnonzero(line >= 0)
        single[row, who[row % len(who)]] = line[who[row % len(who)]]
    found = certainties(both(single, PROBS, UNLABELLED))
    torch.testing.assert_close(found, torch.tensor(SINGLE + SINGLE_UNLABELLED, dtype=found.dtype), atol=2e-6, rtol=0)
