"""Results of runs that were never run, small and known in every number."""

import numpy as np
import pytest

from querist.cli.report.evidence import Evidence, ShownPick, ShownRound
from querist.loop.result import CampaignCurve, CurvePoint, RunResult
from querist.loop.settings import Found, RunSettings

OWN = [[0.60, 0.80, 0.90, 0.95], [0.64, 0.84, 0.94, 0.97]]
TWIN = [[0.60, 0.70, 0.80, 0.88], [0.64, 0.74, 0.84, 0.92]]
LABELS = (20, 40, 60, 80)


def _curves(values):
    return [
        CampaignCurve(
            seed=seed,
            points=tuple(
                CurvePoint(
                    labels=labels, metrics={"accuracy": value}, seconds={"train": 2.0, "views": 0.5, "select": 0.25}
                )
                for labels, value in zip(LABELS, row, strict=True)
            ),
        )
        for seed, row in enumerate(values)
    ]


@pytest.fixture
def result(tmp_path):
    found = Found(task="classification", classes=("0", "1"), model="cnn", metric="accuracy", device="cpu", pool="abc")
    return RunResult(
        out=tmp_path,
        settings=RunSettings(seeds=(0, 1), initial=20, batch=20, budget=80, target=0.9, found=found),
        metric="accuracy",
        lower_is_better=False,
        arms={"badge": _curves(OWN), "random": _curves(TWIN)},
        notes=("the labels look like classification with 2 classes; --task says otherwise",),
        stopped={f"{arm}/{seed}": "the budget of 80 labels is spent" for arm in ("badge", "random") for seed in (0, 1)},
    )


def _rounds(payloads, labels, reasons):
    picks = tuple(
        ShownPick(row=row, reason=reason, label=label, payload=payload, key=str(row))
        for row, (payload, label, reason) in enumerate(zip(payloads, labels, reasons, strict=True))
    )
    first = tuple(ShownPick(row=p.row, reason="drawn at random", label=p.label, payload=p.payload) for p in picks)
    return tuple(
        ShownRound(number=number, size=20, labels=20 * (number + 1), picks=picks if number else first)
        for number in range(4)
    )


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    payloads = list(rng.integers(0, 255, (4, 8, 8), dtype=np.uint8))
    return Evidence(
        modality="image",
        rounds=_rounds(payloads, ["0", "1", "1", "0"], [f"margin 0.0{i}" for i in range(4)]),
        asked={"badge": ["0"] * 30 + ["1"] * 50, "random": ["0"] * 60 + ["1"] * 20},
        pool=["0"] * 300 + ["1"] * 100,
        sizes={"train": 400, "validation": 0, "test": 100},
    )


@pytest.fixture
def texts():
    nasty = "<script>alert('x')</script> & \"quoted\" " + "long " * 80
    return Evidence(
        modality="text",
        rounds=_rounds([nasty, "plain"], ["<b>", "fine"], ["entropy 0.69 <of 0.7>", "entropy 0.6"]),
        asked={"badge": ["<b>", "fine"]},
    )


@pytest.fixture
def tokens():
    sentence = ["Ada", "Lovelace", "met", "<i>", "."]
    return Evidence(
        modality="tokens",
        rounds=_rounds([sentence], [["B-person", "I-person", "O", "O", "O"]], ["least confident"]),
        asked={"badge": [["B-person", "I-person", "O", "O", "O"]]},
    )


@pytest.fixture
def rows():
    return Evidence(
        modality="table",
        rounds=_rounds([np.linspace(-1, 1, 20, dtype=np.float32)], [3.25], ["far from the labelled rows"]),
        asked={"badge": [1.0, 2.0, 10.0]},
        pool=[float(value) for value in range(11)],
    )
