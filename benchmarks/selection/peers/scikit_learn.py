"""scikit-learn: k-means++ seeding on gradients written out."""

from __future__ import annotations

from typing import Any

from benchmarks.selection.participants import Select, takes_part
from benchmarks.selection.work import Work, gradients


@takes_part(
    "badge",
    "scikit-learn kmeans_plusplus",
    module="sklearn",
    note="gradients written out, counted; several trials a pick",
)
def kmeans_plusplus(work: Work) -> Select:
    from sklearn.cluster import kmeans_plusplus as seed

    probs, points = work.probs[work.open], work.points[work.open]

    def select() -> Any:
        return work.open[seed(gradients(probs, points), work.k, random_state=0)[1]]

    return select
