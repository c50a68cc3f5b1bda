"""scikit-activeml: unlabelled rows have the label NaN, and positions come back as they are in the table."""

from __future__ import annotations

from typing import Any

import numpy as np
from benchmarks.selection.participants import Select, takes_part
from benchmarks.selection.work import Work


def _labels(work: Work) -> np.ndarray:
    labels = np.full(work.case.rows, np.nan)
    labels[work.labelled] = np.arange(len(work.labelled)) % 2
    return labels


@takes_part("k_center", "scikit-activeml CoreSet", module="skactiveml")
def core_set(work: Work) -> Select:
    from skactiveml.pool import CoreSet

    labels = _labels(work)
    return lambda: CoreSet(random_state=0).query(work.points, labels, batch_size=work.k)


@takes_part(
    "badge",
    "scikit-activeml Badge",
    module="skactiveml",
    note="writes the gradients out, counted",
    wrong="may return a row more than once",
)
def badge(work: Work) -> Select:
    from skactiveml.base import SkactivemlClassifier
    from skactiveml.pool import Badge

    probs = work.probs[work.open]

    class Known(SkactivemlClassifier):
        """Answers with the probabilities that are known already."""

        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Known:  # noqa: N803
            return self

        def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
            return probs

    labels, known = _labels(work), Known(classes=list(range(work.case.classes)))
    return lambda: Badge(random_state=0).query(work.points, labels, known, fit_clf=False, batch_size=work.k)


@takes_part("batch_bald", "scikit-activeml batch_bald", module="skactiveml", note="10,000 joint samples")
def batch_bald(work: Work) -> Select:
    from skactiveml.pool import batch_bald as score

    samples = np.ascontiguousarray(work.prob_samples.transpose(1, 0, 2))

    def select() -> np.ndarray:
        gains = score(samples, work.k, n_MC_samples=10_000, random_state=0)
        picks: np.ndarray = np.nanargmax(gains, axis=1)
        return picks

    return select


@takes_part("typi_clust", "scikit-activeml TypiClust", module="skactiveml")
def typi_clust(work: Work) -> Select:
    from skactiveml.pool import TypiClust

    labels = _labels(work)
    return lambda: TypiClust(random_state=0, k=20).query(work.points, labels, batch_size=work.k)


@takes_part("prob_cover", "scikit-activeml ProbCover", module="skactiveml", note="radius given")
def prob_cover(work: Work) -> Select:
    from skactiveml.pool import ProbCover

    labels, directions, radius = _labels(work), work.directions, work.radius
    return lambda: ProbCover(random_state=0, deltas=[radius]).query(directions, labels, batch_size=work.k)


@takes_part("max_herding", "scikit-activeml MaxHerding", module="skactiveml")
def max_herding(work: Work) -> Select:
    from skactiveml.pool import MaxHerding

    labels, directions = _labels(work), work.directions
    herding = MaxHerding(random_state=0, metric="rbf", metric_dict={"gamma": 1.0})
    return lambda: herding.query(directions, labels, batch_size=work.k)
