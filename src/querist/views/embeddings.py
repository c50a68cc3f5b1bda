"""Embeddings: what the last layer sees."""

from __future__ import annotations

from dataclasses import dataclass

from querist.views.base import View


@dataclass(frozen=True, kw_only=True)
class Embeddings(View):
    """``[n d]``: penultimate features, one vector a row, dropout off. The mean over tokens for a tagger."""
