"""The device that is asked for, or an error that says what is there."""

from __future__ import annotations

import pytest
import torch

from querist.core.device import pick_device
from querist.core.errors import UsageError


def test_the_processor_is_always_there() -> None:
    assert pick_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize(("cuda", "mps", "name"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")])
def test_auto_takes_the_fastest(monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, name: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert pick_device("auto").type == name


@pytest.mark.parametrize("name", ["gpu", "abacus", ""])
def test_a_word_that_is_no_device(name: str) -> None:
    with pytest.raises(UsageError):
        pick_device(name)


def test_a_device_that_is_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError):
        pick_device("cuda")


def test_what_torch_was_ever_built_for_is_not_recited() -> None:
    with pytest.raises(UsageError) as found:
        pick_device("abacus")
    assert str(found.value) == (
        "device 'abacus' cannot be used: there is no such kind; try auto, cpu, cuda, cuda:1 or mps"
    )
