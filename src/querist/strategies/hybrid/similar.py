"""SIMILAR: ask for rows like these and unlike those, by submodular information.

Paper: kothawade2021similar; the measures are iyer2021submodular's. Known differences: similarities are cosines of
embeddings, clipped at 0 (not in the log determinant), where the authors also use gradients of the last layer; the query
set is what is labelled of the classes that are wanted. Cost: one forward pass, then the greedy set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from querist.core.errors import ColdStart, UsageError
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.facility import facility
from querist.strategies.base import Strategy
from querist.views.base import Positions, View
from querist.views.embeddings import Embeddings
from querist.views.labels import Labels

AIMS = ("labels", "target")


@dataclass(frozen=True, kw_only=True)
class Similar(Strategy):
    """The batch that has most in common with a query set, and nothing with a private one.

    A pool with a rare class holds few rows of it, and doubt does not point at them. What is labelled of the class
    does: a batch that shares much information with those rows is rich in the class. Rows of classes that nobody wants
    to see again (or that are not in the task at all) are kept out in the same way.

    Formula:
        ``argmax_S I_f(S; Q | P)`` for a set function ``f``, a query set ``Q`` and a private one ``P``

    Use it when:
        a class is rare and a few rows of it are labelled, classes are in the pool that nobody wants, or a target set
        says what matters: kothawade2021similar finds more of the rare class than doubt does.

    Not when:
        no row of the wanted class is labelled yet (it raises :class:`ColdStart`), or that class lies scattered in the
        embedding. With even classes and no target there is nothing to aim at.

    Args:
        function: ``query_location`` (the authors' FLQMI, which costs least), ``facility_location``, ``graph_cut`` or
            ``log_determinant``.
        aim: whether the query set is ``labels``, the labelled rows of the classes below, or ``target``, embeddings
            that were given beside the pool.
        query: classes that more is wanted of. ``None``: the class with the fewest labels, unless ``private`` is given.
        private: classes that nothing is wanted of (not for ``query_location``).
        query_weight: the papers' ``eta``.
        private_weight: the papers' ``nu``.
        epsilon: ``None`` for the exact greedy set; between 0 and 1 a random few are looked at for each pick.

    Example:
        >>> from querist.views import Snapshot
        >>> z = [[1.0, 0.0], [0.0, 1.0], [0.9, 0.1], [0.1, 0.9], [0.8, 0.2]]
        >>> snapshot = Snapshot.from_arrays(embeddings=z, labels=[0, 1, -1, -1, -1])
        >>> Similar(query=(1,))(snapshot, k=1).tolist()
        [3]
    """

    function: str = "query_location"
    aim: str = "labels"
    query: tuple[int, ...] | None = None
    private: tuple[int, ...] = ()
    query_weight: float = 1.0
    private_weight: float = 1.0
    epsilon: float | None = None

    rows: ClassVar = ("P10", "S35c")
    family: ClassVar = "hybrid"
    paper: ClassVar = "kothawade2021similar"
    survey: ClassVar = "3.1.2"
    cost: ClassVar = "time O(n m d) (query_location), O(n k d) (log_determinant), O(n^2 d); memory O(n + (m + k) d)"
    needs_labels: ClassVar = True
    known_gaps: ClassVar = {
        "meaning": "it looks for what is like its query set, and the rows planted for its family are like nothing that "
        "is labelled; tests/unit/strategies/test_similar.py plants a rare class instead",
    }

    def __post_init__(self) -> None:
        if self.aim not in AIMS:
            raise UsageError(f"the aim cannot be {self.aim!r}", hint=f"choose {' or '.join(AIMS)}")

    def needs(self) -> tuple[View, ...]:
        return (Embeddings(), Labels() if self.aim == "labels" else Embeddings(of="target"))

    def pick(
        self, embeddings: Float[Tensor, "n d"], aim: Tensor, *, at: Positions, k: int, rng: Generator
    ) -> Int[Tensor, "k"]:
        query, private = self._sets(aim, at)
        return facility(
            embeddings,
            k=k,
            candidates=at.candidates,
            rng=rng,
            function=self.function,
            query=query,
            private=private,
            query_weight=self.query_weight,
            private_weight=self.private_weight,
            epsilon=self.epsilon,
        )

    def reasons(
        self, embeddings: Float[Tensor, "n d"], aim: Tensor, *, at: Positions, picked: Int[Tensor, "k"]
    ) -> list[str]:
        query, _ = self._sets(aim, at)
        if query is None:
            return ["stands for rows that are unlike what nothing is wanted of"] * len(picked)
        wanted = embeddings[query] if query.ndim == 1 else query
        cosines = torch.nn.functional.cosine_similarity(embeddings[picked, None], wanted[None], dim=-1)
        what = "target rows" if self.aim == "target" else "labelled rows of the classes that more is wanted of"
        return [f"like the {what}: cosine {float(cosine):.3g} to the nearest" for cosine in cosines.amax(1)]

    def _sets(self, aim: Tensor, at: Positions) -> tuple[Tensor | None, Tensor | None]:
        """The query set (positions, or embeddings of a target) and the positions of the private one."""
        if self.aim == "target":
            return aim, None
        known = aim[at.labelled]
        query = self.query
        if query is None and not self.private:
            classes, counts = known.unique(return_counts=True)
            query = (int(classes[counts.argmin()]),)
        return self._of(query or (), known, at), self._of(self.private, known, at)

    def _of(self, classes: tuple[int, ...], known: Tensor, at: Positions) -> Tensor | None:
        """Labelled positions of some classes; ``None`` for no classes."""
        if not classes:
            return None
        found = at.labelled[torch.isin(known, torch.tensor(classes, device=known.device))]
        if not len(found):
            named = ", ".join(map(str, classes))
            raise ColdStart(f"Similar looks for rows like class {named} and none is labelled", hint="label a few of it")
        return found
