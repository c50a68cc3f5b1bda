"""The cases, table by table. Each is there with both kinds of input."""

from __future__ import annotations

from typing import Any

from benchmarks.selection.case import Case
from benchmarks.selection.inputs import KINDS

_LONG_S = 7200.0


def _both(method: str, *sizes: dict[str, Any], **common: Any) -> list[Case]:
    return [Case(method=method, kind=kind, **size, **common) for kind in KINDS for size in sizes]


def _sizes(*sizes: tuple[int, int], **common: Any) -> list[dict[str, Any]]:
    """Rows and picks, and what all have in common."""
    return [{"rows": rows, "k": k, **common} for rows, k in sizes]


TABLES: dict[str, list[Case]] = {
    "k_center": [
        *_both(
            "k_center", *_sizes((10_000, 100), (10_000, 1_000), (50_000, 100), (50_000, 1_000), (200_000, 100), dim=512)
        ),
        *_both("k_center", {"rows": 1_000_000, "dim": 256, "k": 1_000}, only_querist=True, limit_s=1200),
    ],
    "badge": _both(
        "badge",
        *_sizes((10_000, 100), (50_000, 100), (10_000, 1_000), (50_000, 1_000), dim=512, classes=10),
        *_sizes((10_000, 100), (10_000, 1_000), dim=512, classes=100),
    ),
    "batch_bald": _both("batch_bald", *_sizes((1_000, 5), (1_000, 10), (10_000, 10), dim=32, samples=100, classes=10)),
    "bald": _both("bald", {"rows": 50_000, "dim": 32, "samples": 20, "classes": 10, "k": 100}),
    "typi_clust": _both("typi_clust", *_sizes((10_000, 100), (50_000, 100), dim=128)),
    "prob_cover": _both("prob_cover", *_sizes((10_000, 100), (50_000, 100), dim=128)),
    "max_herding": _both("max_herding", *_sizes((10_000, 100), (50_000, 100), dim=128)),
    "facility_location": _both("facility_location", {"rows": 10_000, "dim": 128, "k": 100}),
    "graph_cut": _both("graph_cut", {"rows": 10_000, "dim": 128, "k": 100}),
    "max_det": _both("max_det", {"rows": 10_000, "dim": 128, "k": 100}, {"rows": 10_000, "dim": 512, "k": 100}),
    "bait": _both(
        "bait",
        {"rows": 1_000, "dim": 128, "classes": 10, "k": 10},
        {"rows": 1_000, "dim": 128, "classes": 10, "k": 100},
        {"rows": 10_000, "dim": 64, "classes": 10, "k": 100},
    ),
    "lcmd": _both("lcmd", {"rows": 10_000, "dim": 512, "k": 100}),
    "acs_fw": _both("acs_fw", {"rows": 10_000, "dim": 512, "k": 100}),
    "cluster_margin": _both("cluster_margin", {"rows": 10_000, "dim": 512, "classes": 10, "k": 100}),
    "million": [
        Case(
            table="million",
            method=method,
            kind=kind,
            rows=1_000_000,
            dim=256,
            classes=classes,
            k=10_000,
            stored=True,
            memory_mb=4_000,
            only_querist=True,
            limit_s=_LONG_S,
        )
        for kind in KINDS
        for method, classes in (("k_center", 0), ("badge", 10), ("margin", 10), ("typi_clust", 0))
    ],
    "growth": [
        Case(table="growth", method=method, kind=kind, rows=rows, dim=256, classes=classes, k=100, only_querist=True)
        for method, classes in (
            ("k_center", 0),
            ("badge", 10),
            ("margin", 10),
            ("typi_clust", 0),
            ("prob_cover", 0),
            ("max_herding", 0),
            ("facility_location", 0),
            ("max_det", 0),
            ("lcmd", 0),
            ("acs_fw", 0),
            ("cluster_margin", 10),
            ("kmeans", 0),
        )
        for kind in KINDS
        for rows in (10_000, 31_623, 100_000, 316_228, 1_000_000)
    ],
}
