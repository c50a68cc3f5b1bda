"""Average linkage against SciPy's, weights as copies, and where it is cut."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import cdist

from querist.selectors.linkage import average_linkage, cut


def _partition(labels: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels.tolist())}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n", [2, 3, 50, 300])
def test_equals_scipy(seed: int, n: int) -> None:
    points = np.random.default_rng(seed).normal(size=(n, 3))
    pairs, heights = average_linkage(cdist(points, points), np.ones(n))
    expected = linkage(points, method="average")
    np.testing.assert_allclose(heights, expected[:, 2], rtol=1e-10)
    for clusters in {1, 2, max(1, n // 10), n}:
        labels = cut(pairs, heights, clusters=clusters)
        assert labels.max() + 1 == clusters
        assert _partition(labels) == _partition(fcluster(expected, clusters, criterion="maxclust"))


@pytest.mark.parametrize("seed", range(5))
def test_a_cell_weighs_as_much_as_its_points(seed: int) -> None:
    """Cells of ``w`` points that coincide are joined as the points would be."""
    rng = np.random.default_rng(seed)
    points, sizes = rng.normal(size=(30, 2)), rng.integers(1, 6, size=30)
    pairs, heights = average_linkage(cdist(points, points), sizes)
    copies = np.repeat(np.arange(30), sizes)
    expected = linkage(points[copies], method="average")
    np.testing.assert_allclose(heights, expected[expected[:, 2] > 0, 2], rtol=1e-10)
    theirs = fcluster(expected, 7, criterion="maxclust")
    assert _partition(cut(pairs, heights, clusters=7)[copies]) == _partition(theirs)
    plain = average_linkage(cdist(points, points), np.ones(30))[1]
    assert not np.allclose(plain, heights)


def test_equal_distances_end() -> None:
    pairs, heights = average_linkage(np.ones((20, 20)), np.ones(20))
    assert len(pairs) == 19
    assert (heights == 1).all()
    assert len(set(cut(pairs, heights, clusters=4))) == 4


def test_cells_that_coincide_stay_together() -> None:
    points = np.repeat(np.arange(4.0), 5)[:, None]
    pairs, heights = average_linkage(cdist(points, points), np.ones(20))
    labels = cut(pairs, heights, clusters=20)
    assert _partition(labels) == {frozenset(range(start, start + 5)) for start in (0, 5, 10, 15)}


def test_one_cell() -> None:
    pairs, heights = average_linkage(np.zeros((1, 1)), np.ones(1))
    assert cut(pairs, heights, clusters=1).tolist() == [0]
