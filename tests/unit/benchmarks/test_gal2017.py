"""The first paper table: the authors' protocol as it is written, rounds that are kept, a page at every stage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from benchmarks.papers import gal2017, gal2017_page
from benchmarks.papers.gal2017_page import ARMS, PUBLISHED, RELEASED, Results, crossings, page, verdict
from torch import nn

import querist as q
from querist.loop.campaign import Pace
from querist.strategies import registry


class Labelled:
    """Rows whose loss does not depend on the network: what moves the weights is the penalty alone."""

    def __init__(self, module: nn.Module, rows: int) -> None:
        self.module, self.rows, self.batches = module, rows, []

    def __len__(self) -> int:
        return self.rows

    def batch(self, pos: torch.Tensor, rng: Any) -> torch.Tensor:
        self.batches.append(pos)
        return pos

    def losses(self, batch: torch.Tensor) -> torch.Tensor:
        return sum((p.sum() * 0 for p in self.module.parameters()), torch.zeros(len(batch)))

    def validation_loss(self) -> None:
        return None


def test_the_network_is_the_papers() -> None:
    network = gal2017.Network()
    assert network(torch.zeros(2, 28, 28)).shape == (2, 10)
    kernels = [tuple(p.shape) for p in network.parameters() if p.ndim > 1]
    assert kernels == [(32, 1, 4, 4), (32, 32, 4, 4), (128, 3872), (10, 128)]
    assert all(bool((p == 0).all()) for p in network.parameters() if p.ndim == 1)
    assert network.dense.weight.abs().max() <= (6 / (3872 + 128)) ** 0.5  # Glorot's bound
    assert [part.p for part in network.modules() if isinstance(part, nn.Dropout)] == [0.25, 0.5]


def test_fifty_passes_and_a_penalty_on_the_dense_layer_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    step = torch.optim.Adam.step

    def watched(self: torch.optim.Adam, *rest: Any) -> Any:
        seen.append(
            [(len(group["params"]), group["weight_decay"], group["lr"], group["eps"]) for group in self.param_groups]
        )
        return step(self, *rest)

    monkeypatch.setattr(torch.optim.Adam, "step", watched)
    network = gal2017.Network()
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    rows = Labelled(network, 130)
    done = gal2017.train(rows, seed=0)
    assert done.steps == len(rows.batches) == 100  # 128 rows and 2, fifty times
    assert sorted(torch.cat(rows.batches[:2]).tolist()) == list(range(130))
    assert rows.batches[0].tolist() != rows.batches[2].tolist()
    assert seen[0] == [(1, pytest.approx(2 * 2.5 / 130), 1e-3, 1e-8), (7, 0, 1e-3, 1e-8)]
    for name, p in network.named_parameters():
        if name == "dense.weight":
            assert p.norm() < before[name].norm()
        else:
            assert torch.equal(p, before[name])


def test_the_pool_is_shuffled_and_begins_with_two_of_each_class(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gal2017, "DATA", data_dir)
    pool, first = gal2017.pool_of(0)
    assert [len(pool.rows(split)) for split in ("train", "validation", "test")] == [40_020, 5_000, 10_000]
    assert np.unique(pool.truth(first), return_counts=True)[1].tolist() == [2] * 10
    assert len(set(pool.truth(range(100, 200)))) == 10
    assert pool[0].tolist() != gal2017.pool_of(1)[0][0].tolist()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The same program on a few bright squares, in no time."""
    x = np.zeros((60, 28, 28), np.uint8)
    y = np.arange(60) % 10
    for row in range(60):
        x[row, 2 * y[row] : 2 * y[row] + 3, row % 20 : row % 20 + 5] = 200
    pool = q.Pool.from_arrays(x[:50], y[:50], test=(x[50:], y[50:]), name="squares")
    monkeypatch.setattr(gal2017, "pool_of", lambda seed: (pool, np.arange(20)))
    for name, value in {"EPOCHS": 2, "PASSES": 2, "SCORED": 15, "BUDGET": 40}.items():
        monkeypatch.setattr(gal2017, name, value)
    docs = tmp_path / "docs"
    monkeypatch.setattr(gal2017_page, "DOCS", docs)
    monkeypatch.setattr(gal2017_page, "DATA", docs / "papers" / "gal2017.json")
    monkeypatch.setattr(gal2017_page, "PAGE", docs / "gal2017.md")
    monkeypatch.setattr(gal2017_page, "PICTURE", docs / "papers" / "gal2017.svg")
    return tmp_path


def test_a_campaign_that_was_stopped_goes_on(small: Path) -> None:
    whole, cut = small / "whole", small / "cut"
    for folder in (whole, cut):
        folder.mkdir()
    gal2017.run("bald", 0, whole, lambda event: None, Pace(40))

    def stop(event: Any) -> None:
        if getattr(event, "labels", 0) == 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gal2017.run("bald", 0, cut, stop, Pace(40))
    found = Results.read(cut, [0])
    assert [labels for labels, _ in found.curve("bald", "0")] == [20, 30]
    assert found.done("bald") == []
    assert "Still running" in page(found)
    gal2017.run("bald", 0, cut, lambda event: None, Pace(40))
    assert Results.read(cut, [0]).curve("bald", "0") == Results.read(whole, [0]).curve("bald", "0")


def test_data_and_page_outlive_the_journals(small: Path) -> None:
    out = small / "runs"
    out.mkdir()
    gal2017.run("random", 0, out, lambda event: None, Pace(40))
    Results.read(out, [0]).write()
    again = Results.read(small / "elsewhere", [0])
    assert again.curve("random", "0") == Results.read(out, [0]).curve("random", "0")
    assert json.loads(gal2017_page.DATA.read_text())["cells"]["random"]["0"][0]["labels"] == 20
    assert "<svg" in gal2017_page.PICTURE.read_text()


def test_the_page_holds_every_cell() -> None:
    rounds = [{"labels": labels, "accuracy": 0.5 + labels / 1000} for labels in range(20, 401, 10)]
    better = [{**each, "accuracy": each["accuracy"] + 0.05} for each in rounds]
    cells = {arm: {str(seed): rounds for seed in range(3)} for arm in ARMS}
    cells["bald"] = {str(seed): better for seed in range(3)}
    text = page(Results(cells, {}))
    assert "Still running" not in text
    assert text.count("| 10 % |") == text.count("| 5 % |") == 5
    assert "| BALD | +5.00 (+5.00 to +5.00) | better |" in text
    assert "| 10 % | BALD | 145 | 230 (210, 230, 250) | **330** (330, 330, 330) | later | later |" in text
    assert "over 380, over 380, over 380" in text


def test_verdicts() -> None:
    assert crossings([[(20, 0.5), (30, 0.951)]], 5) == [10]
    assert verdict([140, 150, 130], 145) == "agrees"
    assert verdict([100, 100, 110], 145) == "sooner"
    assert verdict([230, 240, 220], 145) == "later"
    assert verdict([None, None, None], 695) == "agrees as far as it goes"
    assert verdict([None, None, None], 335) == "later"
    assert verdict([], 1) == "not run yet"
    assert set(ARMS) == set(gal2017.STRATEGIES) <= set(registry)
    for table in (*PUBLISHED.values(), *RELEASED.values()):
        assert set(table) == set(ARMS)
