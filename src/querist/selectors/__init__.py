"""Selectors look at all rows together and return ``k`` positions: the only global step of a strategy.

    f(points, *, k, labelled=None, candidates=None, rng=None, memory_mb=None) -> Int[Tensor, "k"]

``points`` is a torch tensor or a numpy array, ``labelled`` and ``candidates`` are positions in it; labelled ones are
never returned; ``rng=None`` means a fresh generator with seed 0, never the global one; the answer lists positions in
the order picked. Gradient embeddings are passed as :class:`FactoredPoints`. File = idea = function.

An array mapped from a file (``numpy.load(..., mmap_mode="r")``, or :func:`querist.open_array`, which reads Parquet
columns too) is read a block at a time and never copied whole. ``memory_mb`` bounds what is taken beside it: blocks
become smaller, and a limit below what must be held is refused before any work is done.
"""

from querist.selectors.class_balance import class_balance
from querist.selectors.cluster_margin import cluster_margin
from querist.selectors.cover import cover
from querist.selectors.facility import facility
from querist.selectors.fisher import fisher
from querist.selectors.frank_wolfe import frank_wolfe
from querist.selectors.herding import herding
from querist.selectors.joint_mi import joint_mi
from querist.selectors.k_center import k_center
from querist.selectors.k_dpp import k_dpp
from querist.selectors.kmeans import kmeans
from querist.selectors.kmeans_pp import kmeans_pp
from querist.selectors.lcmd import lcmd
from querist.selectors.max_det import max_det
from querist.selectors.memory import memory_limit
from querist.selectors.points import FactoredPoints
from querist.selectors.quota import quota
from querist.selectors.robust_k_center import robust_k_center
from querist.selectors.sample import sample
from querist.selectors.top_k import top_k
from querist.selectors.two_stage import two_stage
from querist.selectors.typical import typical

__all__ = [
    "FactoredPoints",
    "class_balance",
    "cluster_margin",
    "cover",
    "facility",
    "fisher",
    "frank_wolfe",
    "herding",
    "joint_mi",
    "k_center",
    "k_dpp",
    "kmeans",
    "kmeans_pp",
    "lcmd",
    "max_det",
    "memory_limit",
    "quota",
    "robust_k_center",
    "sample",
    "top_k",
    "two_stage",
    "typical",
]
