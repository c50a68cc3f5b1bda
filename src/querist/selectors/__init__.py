"""Selectors look at all rows together and return ``k`` positions: the only global step of a strategy.

    f(points, *, k, labelled=None, candidates=None, rng=None) -> Int[Tensor, "k"]

``points`` is a torch tensor or a numpy array, ``labelled`` and ``candidates`` are positions in it; labelled ones are
never returned; ``rng=None`` means a fresh generator with seed 0, never the global one; the answer lists positions in
the order picked. Gradient embeddings are passed as :class:`FactoredPoints`. File = idea = function.
"""

from querist.selectors.facility import facility
from querist.selectors.joint_mi import joint_mi
from querist.selectors.k_center import k_center
from querist.selectors.k_dpp import k_dpp
from querist.selectors.kmeans import kmeans
from querist.selectors.kmeans_pp import kmeans_pp
from querist.selectors.lcmd import lcmd
from querist.selectors.max_det import max_det
from querist.selectors.points import FactoredPoints
from querist.selectors.sample import sample
from querist.selectors.top_k import top_k

__all__ = [
    "FactoredPoints",
    "facility",
    "joint_mi",
    "k_center",
    "k_dpp",
    "kmeans",
    "kmeans_pp",
    "lcmd",
    "max_det",
    "sample",
    "top_k",
]
