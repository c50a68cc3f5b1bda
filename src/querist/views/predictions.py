"""Predictions: a regression network's answer."""

from __future__ import annotations

from dataclasses import dataclass

from querist.views.base import View


@dataclass(frozen=True, kw_only=True)
class Predictions(View):
    """``[n]``: predicted values in the unit of the labels, dropout off."""
