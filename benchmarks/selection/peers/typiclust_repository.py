"""The TypiClust and ProbCover authors' program (avihu111/TypiClust), from a checkout."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from benchmarks.selection.participants import Select, takes_part
from benchmarks.selection.peers.patches import load, package, stub, without_cuda
from benchmarks.selection.work import Work

_NAMES = {"DATASET": {"NAME": "given"}, "RNG_SEED": 0}


def _module(work: Work, name: str, features: np.ndarray) -> Any:
    folder = Path(work.checkouts["typiclust"]) / "deep-al" / "pycls"
    package("pycls", folder)
    package("pycls.al", folder / "al")
    for part in ("pycls.datasets", "pycls.datasets.utils"):
        stub(part, load_features=lambda *_: features)
    stub("pycls.al.vaal_util", train_vae_disc=None)
    np.random.seed(0)  # noqa: NPY002 (it draws from the global generator)
    return load(f"pycls.al.{name}")


@takes_part("typi_clust", "TypiClust repository", checkout="typiclust", module="faiss", note="faiss on the CPU")
def typi_clust(work: Work) -> Select:
    module = _module(work, "typiclust", work.points)
    module.faiss.index_cpu_to_all_gpus = lambda index: index
    return lambda: module.TypiClust(_NAMES, work.labelled, work.open, work.k).select_samples()[0]


@takes_part(
    "prob_cover",
    "TypiClust repository ProbCover",
    checkout="typiclust",
    module="pandas",
    note="radius given",
    wrong="the last rows past a multiple of 500 cover nothing",
)
def prob_cover(work: Work) -> Select:
    module, radius = _module(work, "prob_cover", work.directions), work.radius

    def select() -> Any:
        with without_cuda():
            return module.ProbCover(_NAMES, work.labelled, work.open, work.k, radius).select_samples()[0]

    return select


@takes_part("k_center", "TypiClust repository CoreSet", checkout="typiclust")
def core_set(work: Work) -> Select:
    module = _module(work, "Sampling", work.points)
    settings = SimpleNamespace(ACTIVE_LEARNING=SimpleNamespace(BUDGET_SIZE=work.k))
    pool, known = work.points[work.open], work.points[work.labelled]

    def select() -> Any:
        with without_cuda():
            return work.open[module.CoreSetMIPSampling(settings, None).greedy_k_center(known, pool)[0]]

    return select
