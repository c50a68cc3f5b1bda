"""The inputs of the measurements are the same everywhere: hashes of the first 200 rows, and a few facts."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from benchmarks.selection.inputs import Inputs, cover_radius, labelled, unit


def first_rows(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array[:200]).tobytes()).hexdigest()[:12]


@pytest.mark.parametrize(
    ("kind", "n", "d", "hashed"), [("mixture", 1_000, 128, "7b9f4f3715ae"), ("mixture", 10_000, 64, "b84f034778ca")]
)
def test_points_are_the_same_everywhere(kind: str, n: int, d: int, hashed: str, tmp_path: Path) -> None:
    assert first_rows(Inputs(tmp_path).embeddings(kind, n, d)) == hashed


def test_isotropic_points_are_the_same_everywhere(tmp_path: Path) -> None:
    assert first_rows(Inputs(tmp_path).embeddings("isotropic", 10_000, 512)) == "65759e1fbce7"


def test_answers_of_heads_agree_to_rounding(tmp_path: Path) -> None:
    """They come from products, whose last digits belong to the processor."""
    inputs = Inputs(tmp_path)
    first = inputs.probs("mixture", 1_000, 128, 10)[0, :3]
    np.testing.assert_allclose(first, [5.7540548e-01, 2.8629918e-08, 6.0990232e-04], rtol=1e-4)
    first = inputs.prob_samples("mixture", 1_000, 100, 10)[0].ravel()[:3]
    np.testing.assert_allclose(first, [0.03173482, 0.03849077, 0.00078871], rtol=1e-4)


def test_stored_arrays_are_mapped_and_equal(tmp_path: Path) -> None:
    mapped = Inputs(tmp_path, stored=True).embeddings("mixture", 9_000, 4)
    assert isinstance(mapped, np.memmap)
    np.testing.assert_array_equal(mapped, Inputs(tmp_path).embeddings("mixture", 9_000, 4))


def test_labelled_rows_and_the_radius_are_facts(tmp_path: Path) -> None:
    assert labelled(10_000, 100)[:3].tolist() == [87, 231, 424]
    directions = unit(Inputs(tmp_path).embeddings("mixture", 10_000, 128))
    assert cover_radius(directions) == pytest.approx(0.7106566, abs=1e-5)
