"""Querist's side of every method: one call of a selector, arrays in, positions out.

A selector that this version does not have yet raises :class:`NotYet`, and its row says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from benchmarks.selection.participants import Select, takes_part
from benchmarks.selection.work import Work, residuals


class NotYet(Exception):
    """This version of Querist has no such selector."""


def selector(name: str) -> Callable[..., Any]:
    """A selector of that name."""
    from querist import selectors

    found: Callable[..., Any] | None = getattr(selectors, name, None)
    if found is None:
        raise NotYet(f"this version of Querist has no {name} yet")
    return found


def querist(method: str) -> Callable[[Callable[[Work], Select]], Callable[[Work], Select]]:
    """Register the function below as Querist's side."""
    return takes_part(method, "Querist", role="querist")


@querist("k_center")
def k_center(work: Work) -> Select:
    pick = selector("k_center")
    return lambda: pick(work.points, k=work.k, labelled=work.labelled)


@querist("badge")
def badge(work: Work) -> Select:
    pick, factored = selector("kmeans_pp"), selector("FactoredPoints")

    def select() -> Any:
        left = torch.from_numpy(residuals(work.probs))
        points = factored(left=left, right=torch.from_numpy(np.asarray(work.points)))
        return pick(points, k=work.k, candidates=work.open, first="longest")

    return select


@querist("batch_bald")
def batch_bald(work: Work) -> Select:
    pick = selector("joint_mi")
    samples = torch.from_numpy(np.ascontiguousarray(work.prob_samples.transpose(1, 0, 2)))
    return lambda: pick(samples, k=work.k)


@querist("bald")
def bald(work: Work) -> Select:
    from querist.scores import bald as score

    pick = selector("top_k")
    samples = torch.from_numpy(np.ascontiguousarray(work.prob_samples.transpose(1, 0, 2)))
    return lambda: pick(score(samples), k=work.k)


@querist("margin")
def margin(work: Work) -> Select:
    from querist.scores import margin as score

    pick = selector("top_k")
    return lambda: pick(score(torch.from_numpy(np.array(work.probs))), k=work.k, labelled=work.labelled)


@querist("typi_clust")
def typi_clust(work: Work) -> Select:
    pick = selector("typical")
    return lambda: pick(work.points, k=work.k, labelled=work.labelled)


@querist("prob_cover")
def prob_cover(work: Work) -> Select:
    pick, directions, radius = selector("cover"), work.directions, work.radius
    return lambda: pick(directions, k=work.k, labelled=work.labelled, radius=radius)


@querist("max_herding")
def max_herding(work: Work) -> Select:
    pick, directions = selector("herding"), work.directions
    return lambda: pick(directions, k=work.k, labelled=work.labelled, sigma=1.0)


@querist("facility_location")
def facility_location(work: Work) -> Select:
    pick = selector("facility")
    return lambda: pick(work.points, k=work.k)


@querist("graph_cut")
def graph_cut(work: Work) -> Select:
    pick = selector("facility")
    return lambda: pick(work.points, k=work.k, function="graph_cut")


@querist("max_det")
def max_det(work: Work) -> Select:
    pick, directions = selector("max_det"), work.directions
    return lambda: pick(directions, k=work.k, noise=0.1)


@querist("bait")
def bait(work: Work) -> Select:
    pick = selector("fisher")
    return lambda: pick(work.points, k=work.k, labelled=work.labelled, probs=work.probs)


@querist("lcmd")
def lcmd(work: Work) -> Select:
    pick = selector("lcmd")
    return lambda: pick(work.points, k=work.k, labelled=work.labelled)


@querist("acs_fw")
def acs_fw(work: Work) -> Select:
    pick = selector("frank_wolfe")
    return lambda: pick(work.points, k=work.k, candidates=work.open)


@querist("cluster_margin")
def cluster_margin(work: Work) -> Select:
    from querist.scores import margin as score

    pick = selector("cluster_margin")
    return lambda: pick(work.points, k=work.k, labelled=work.labelled, scores=score(torch.from_numpy(work.probs)))


@querist("kmeans")
def kmeans(work: Work) -> Select:
    pick = selector("kmeans")
    return lambda: pick(work.points, k=work.k, labelled=work.labelled)
