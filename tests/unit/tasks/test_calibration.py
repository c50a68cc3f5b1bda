"""Calibration error by hand, and the temperature that mends a model that is too sure."""

from __future__ import annotations

import pytest
import torch

from querist.core.rng import generator
from querist.tasks.calibration import best_temperature, calibration_error


def test_error_by_hand() -> None:
    probs = torch.tensor([[0.95, 0.05], [0.85, 0.15], [0.6, 0.4], [0.5, 0.5]])
    labels = torch.tensor([0, 1, 0, 1])
    # Ten bins: 0.95 is right; 0.85 wrong; 0.6 right; 0.5 guesses class 0 and is wrong.
    assert calibration_error(probs, labels, bins=10) == pytest.approx((0.05 + 0.85 + 0.4 + 0.5) / 4)
    # One bin: 72.5 % sure, 50 % right.
    assert calibration_error(probs, labels, bins=1) == pytest.approx(0.225)
    assert calibration_error(torch.eye(3), torch.tensor([0, 1, 2])) == 0
    assert calibration_error(torch.eye(3), torch.tensor([-1, -1, -1])) == 1


@pytest.mark.parametrize("heat", [1.0, 2.5, 6.0])
def test_finds_the_temperature_that_was_taken_away(heat: float) -> None:
    """Labels drawn from the softmax; the model shows its logits times ``heat``."""
    rng = generator(0, "heat")
    logits = 2 * torch.randn(20_000, 3, generator=rng)
    labels = torch.multinomial(logits.softmax(-1), 1, generator=rng).flatten()
    assert best_temperature(heat * logits, labels) == pytest.approx(heat, rel=0.1)
    shown = (heat * logits).log_softmax(-1)
    assert best_temperature(shown, labels) == best_temperature(heat * logits, labels)


def test_a_model_that_is_right_stays_as_it_is() -> None:
    logits = 20 * torch.eye(4)
    assert best_temperature(logits, torch.arange(4)) == 1.0
