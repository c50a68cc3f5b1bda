"""A case: a method, the input it is given, and how many picks."""

from __future__ import annotations

from dataclasses import dataclass, replace

LIMIT_S = 180.0


@dataclass(frozen=True, kw_only=True)
class Case:
    """One piece of work.

    Args:
        method: what is asked for; participants register under it.
        kind: ``mixture`` or ``isotropic``.
        rows: ``n``.
        dim: ``d`` of the embeddings.
        k: picks.
        classes: ``c``, where probabilities are asked for.
        samples: ``s`` posterior samples, where they are.
        table: the table that shows it; the method's own if empty.
        stored: arrays are mapped from files.
        memory_mb: limit that Querist is given.
        only_querist: no peer is asked: it could not finish.
        limit_s: seconds after which a run is stopped.
    """

    method: str
    kind: str
    rows: int
    dim: int
    k: int
    classes: int = 0
    samples: int = 0
    table: str = ""
    stored: bool = False
    memory_mb: float | None = None
    only_querist: bool = False
    limit_s: float = LIMIT_S

    @property
    def shown_in(self) -> str:
        """The table's name."""
        return self.table or self.method

    @property
    def name(self) -> str:
        """Unique, and what ``--only`` names."""
        sizes = f"{self.rows}x{self.samples or self.dim}" + (f"x{self.classes}" if self.classes else "")
        return f"{self.shown_in}/{self.method}/{self.kind}/{sizes}/{self.k}"

    @property
    def title(self) -> str:
        """For people."""
        wide = f"{self.samples} samples" if self.samples else f"{self.dim}"
        sizes = f"{self.rows:,} x {wide}" + (f", {self.classes} classes" if self.classes else "")
        return f"{self.kind}, {sizes}, {self.k:,} picks"

    def small(self) -> Case:
        """The same work on a tiny input, to see that everything runs."""
        return replace(
            self,
            rows=400,
            dim=min(self.dim, 8),
            k=min(self.k, 5),
            classes=min(self.classes, 3),
            samples=min(self.samples, 6),
        )
