"""Raw: the inputs themselves, as one flat vector a row."""

from __future__ import annotations

from dataclasses import dataclass

from querist.views.base import View


@dataclass(frozen=True, kw_only=True)
class Raw(View):
    """``[n d]``: what the model is fed, flattened. The one view that needs no training, so it serves cold starts."""
