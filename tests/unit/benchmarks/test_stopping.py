"""The benchmark of stopping rules on made-up campaigns: what is kept comes back, regrets are what they are called."""

from __future__ import annotations

import json

import numpy as np
import pytest
from benchmarks.stopping import __main__ as command
from benchmarks.stopping import recorded
from benchmarks.stopping.page import page, picture
from benchmarks.stopping.recorded import VALIDATION, Curve, packed, unpacked
from benchmarks.stopping.tried import RULES, Campaign, Stop, campaigns, stop_of, tried

import querist as q
from querist.core.errors import SettingsDiffer
from querist.stopping.base import Doubt, Guesses, RoundSummary
from querist.stopping.budget import Budget
from querist.stopping.plateau import Plateau


def rounds(seed: int = 0, length: int = 12) -> list[RoundSummary]:
    rng = np.random.default_rng(seed)
    return [
        RoundSummary(
            labels=20 + 10 * number,
            validation={"accuracy": round(1 - 0.5 * 0.7**number, 5)},
            predictions=tuple(rng.integers(3, size=15).tolist()),
            doubt=None if number == 3 else Doubt(mean_entropy=0.5, max_entropy=0.75, expected_error=0.25),
            guesses=Guesses(right=number % 10, of=10) if number else None,
        )
        for number in range(length)
    ]


def kept(seeds: int = 2) -> dict:
    tests = [1 - 0.5 * 0.7**number for number in range(12)]
    found = {str(seed): packed(rounds(seed), tests) for seed in range(seeds)}
    return {"digits_mlp": {"settings": recorded.CURVES["digits_mlp"].settings(), "seeds": found}}


def test_what_is_kept_comes_back():
    seen = rounds()
    again = unpacked(json.loads(json.dumps(packed(seen, [0.5] * 12))))
    assert again == seen


def test_the_oracle_is_the_cheapest_round_and_nobody_beats_it():
    (run,) = campaigns(kept(1))
    for worth in (0, 5, 20, 100, 10_000):
        costs = [n + worth * 100 * (1 - a) for n, a in zip(run.kept["labels"], run.kept["test"], strict=True)]
        assert run.oracle(worth) == int(np.argmin(costs))
        regrets = [Stop(run, place, stopped=True).regret(worth) for place in range(12)]
        assert min(regrets) == regrets[run.oracle(worth)] == 0
    assert run.oracle(0) == 0
    assert run.oracle(10_000) == 11


def test_a_rule_stops_where_it_would_have_and_pays_for_what_it_reads():
    run = Campaign("digits_mlp", "0", kept(1)["digits_mlp"]["seeds"]["0"])
    stop = stop_of(Budget(labels=55), run)
    assert (stop.labels, stop.stopped) == (60, True)
    never = stop_of(Plateau(metric="accuracy", patience=3), run)
    assert (never.labels, never.stopped) == (130 + VALIDATION, False)
    assert never.regret(20) == pytest.approx(Stop(run, 11, stopped=False).regret(20) + VALIDATION)


def test_the_page_names_every_rule_and_says_what_is_missing():
    data = kept()
    found = tried(data)
    text = page(data, found)
    assert set(RULES) < set(found)
    assert all(f"`{rule}`" in text for rule in RULES)
    assert "2 of 18 campaigns are recorded so far" in text
    assert "Nothing was recorded yet" in page({}, {})
    assert picture(found).axes


def test_recording_goes_on_where_it_was_and_refuses_other_settings(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=700)
    x = (rng.normal(size=(700, 4)) + 3 * np.eye(3, 4)[y]).astype(np.float32)

    def toys(_folder):
        return q.Pool.from_arrays(x[:120], y[:120], test=(x[120:], y[120:]), modality="table")

    curve = Curve(title="toys", pool=toys, hidden=0, strategy="margin", initial=6, batch=6, budget=18)
    monkeypatch.setattr(recorded, "CURVES", {"digits_mlp": curve})
    monkeypatch.setattr(command, "CURVES", {"digits_mlp": curve})
    monkeypatch.setattr(command, "SEEDS", (0,))
    monkeypatch.setattr(command, "write_page", lambda *_: None)
    words = ["--out", str(tmp_path / "runs"), "--docs", str(tmp_path / "docs")]
    assert command.main(words) == 0
    first = command.read(tmp_path / "docs")
    found = first["digits_mlp"]["seeds"]["0"]
    assert found["labels"] == [6, 12, 18]
    assert len(unpacked(found)[0].predictions) == 120
    monkeypatch.setattr(command, "record", lambda *_: pytest.fail("it was recorded already"))
    assert command.main(words) == 0
    assert command.read(tmp_path / "docs") == first
    monkeypatch.setattr(command, "CURVES", {"digits_mlp": Curve(title="t", pool=toys, hidden=1, strategy="margin")})
    with pytest.raises(SettingsDiffer, match="other settings"):
        command.main(words)
