"""Where a training starts from, and what stays on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from querist.core.errors import DataError, NotDurable, UsageError
from querist.models import weights
from querist.models.weights import Source


def flat(module: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in module.parameters()])


def make() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def test_a_factory_starts_from_scratch_under_the_seed() -> None:
    source = Source(make, start=None)
    assert source.start == "scratch"
    before = torch.random.get_rng_state()
    one, same, other = (source.made(seed) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(flat(one), flat(same))
    assert not torch.equal(flat(one), flat(other))


def test_a_given_module_keeps_its_weights_and_is_never_trained_itself() -> None:
    given = make()
    as_given = flat(given).clone()
    source = Source(given, start=None)
    assert source.start == "initial"
    made = source.made(1)
    assert torch.equal(flat(made), as_given)
    with torch.no_grad():
        for p in [*made.parameters(), *given.parameters()]:
            p.add_(1.0)
    assert torch.equal(flat(source.made(2)), as_given)


def test_a_given_module_can_be_drawn_again() -> None:
    given = make()
    with torch.no_grad():
        given[1].running_mean.add_(5.0)  # type: ignore[union-attr, operator]
    source = Source(given, start="scratch")
    one, same, other = (source.made(seed) for seed in (1, 1, 2))
    assert torch.equal(flat(one), flat(same))
    assert not torch.equal(flat(one), flat(other))
    assert not torch.equal(flat(one), flat(given))
    assert torch.equal(one[1].running_mean, torch.zeros(4))  # type: ignore[index]


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(UsageError, match="no torch module"):
        Source(3, start=None)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="gave a int"):
        Source(lambda: 3, start=None).made(0)  # type: ignore[arg-type, return-value]
    with pytest.raises(UsageError, match="'cold'; choose one of scratch, initial, warm"):
        Source(make, start="cold")  # type: ignore[arg-type]


def test_the_fingerprint_follows_weights_and_buffers() -> None:
    module = make()
    seen = {weights.fingerprint([module])}
    with torch.no_grad():
        module[0].weight[0, 0] += 1e-6  # type: ignore[index]
    seen.add(weights.fingerprint([module]))
    module[1].running_var[0] += 1e-3  # type: ignore[index]
    seen.add(weights.fingerprint([module]))
    assert len(seen) == 3


def test_weights_come_back_also_where_they_are_tied(tmp_path: Path) -> None:
    tied = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    tied[1].weight = tied[0].weight
    weights.save(tmp_path, [tied, make()], {"x": 1})
    assert sorted(file.name for file in tmp_path.iterdir()) == ["adapter.json", "weights.safetensors"]
    again = [nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3)), make()]
    weights.load_into(tmp_path, again)
    assert torch.equal(again[0][1].weight, tied[0].weight)  # type: ignore[index, arg-type]
    assert weights.read_facts(tmp_path) == {"x": 1}


def test_files_that_are_missing_damaged_or_of_another_network_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no saved model"):
        weights.read_facts(tmp_path)
    with pytest.raises(DataError, match="cannot read the weights"):
        weights.load_into(tmp_path, [make()])
    weights.save(tmp_path, [nn.Linear(3, 4)], {})
    with pytest.raises(DataError, match="are of another network: size mismatch for bias"):
        weights.load_into(tmp_path, [nn.Linear(3, 5)])
    (tmp_path / "weights.safetensors").write_bytes(b"broken")
    (tmp_path / "adapter.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="cannot read the weights"):
        weights.load_into(tmp_path, [make()])
    with pytest.raises(DataError, match="damaged"):
        weights.read_facts(tmp_path)


def test_a_full_disk_is_told_and_leaves_nothing_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights.save(tmp_path, [make()], {"round": 1})
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(tensors: dict[str, Tensor], path: Path) -> None:
        path.write_bytes(b"half")
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(weights, "save_file", full)
    with pytest.raises(NotDurable, match=r"cannot be written: .*No space left on device .*; make room, then repeat"):
        weights.save(tmp_path, [make()], {"round": 2})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
