"""Labels: what is known so far."""

from __future__ import annotations

from dataclasses import dataclass

from querist.views.base import View


@dataclass(frozen=True, kw_only=True)
class Labels(View):
    """``[n]``: class position of each labelled row, -1 elsewhere. A strategy never sees a label not yet given."""
