"""Tables that come a block of rows at a time: the same answers, the same refusals, and no copy of the whole."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch

from querist.core.errors import DataError, NonFinite
from querist.core.rng import generator
from querist.scores import bald, entropy
from querist.selectors.memory import memory_limit
from querist.selectors.points import as_table
from querist.testing import toys
from querist.testing.checks.base import LargestTensor
from querist.testing.naive import scores as naive
from querist.views import Density, Embeddings, GradEmbeddings, Labels, Logits, Positions, Probs, ProbSamples, Snapshot
from querist.views.blocks import first_no_distribution, first_not_finite, in_blocks, row_blocks, widened

N = 30_000


def probabilities(n: int = N, c: int = 7, *, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, c, generator=generator(seed)).softmax(-1)


def test_blocks_follow_one_another_and_end_with_the_table() -> None:
    table = torch.zeros(N, 7)
    with memory_limit(0.25):
        blocks = list(row_blocks(table))
    assert len(blocks) > 5
    assert [rows.start for rows in blocks] == [0, *(rows.stop for rows in blocks[:-1])]
    assert blocks[-1].stop == N
    assert list(row_blocks(table[:0])) == [slice(0, 0)]


@pytest.mark.parametrize("memory_mb", [None, 0.25])
def test_a_map_in_blocks_is_the_map(memory_mb: float | None) -> None:
    probs = probabilities()
    samples = torch.stack([probs, probs.flip(-1), probs.roll(1, -1)])
    with memory_limit(memory_mb):
        torch.testing.assert_close(in_blocks(entropy, probs), entropy(probs))
        torch.testing.assert_close(in_blocks(bald, samples, axis=1), bald(samples))
        torch.testing.assert_close(in_blocks(entropy, probs[:0]), entropy(probs[:0]))


def test_half_precision_and_small_whole_numbers_are_widened_and_labels_are_not() -> None:
    assert widened(torch.zeros(2, dtype=torch.float16)).dtype == torch.float32
    assert widened(torch.zeros(2, dtype=torch.bfloat16)).dtype == torch.float32
    assert widened(torch.zeros(2, dtype=torch.int8)).dtype == torch.float32
    for dtype in (torch.float32, torch.float64, torch.int64):
        assert widened(torch.zeros(2, dtype=dtype)).dtype == dtype


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_the_first_row_that_is_not_finite_is_found_wherever_it_stands(dtype: torch.dtype, bad: float) -> None:
    for place in (0, 12_345, N - 1):
        table = torch.zeros(N, 7, dtype=dtype)
        table[place, 3] = table[-1, 0] = bad
        with memory_limit(0.25):
            assert first_not_finite(table) == place
            assert first_not_finite(table.T.contiguous()[None].movedim(1, 2), axis=1) == place
    assert first_not_finite(torch.zeros(N, 7, dtype=dtype)) is None


def test_a_sum_that_overflows_is_no_reason_to_refuse() -> None:
    assert first_not_finite(torch.full((4, 4), 3e38)) is None
    assert first_not_finite(torch.full((4, 4), 6e4, dtype=torch.float16)) is None
    # Opposite infinities would cancel in a sum of another kind.
    assert first_not_finite(torch.tensor([[0.0], [torch.inf], [-torch.inf]])) == 1


def test_what_is_no_distribution_is_found() -> None:
    probs = probabilities()
    samples = torch.stack([probs, probs])
    assert first_no_distribution(probs) is None
    assert first_no_distribution(probs.half()) is None
    for fault in (0.01, -2.0, torch.nan):
        wrong = samples.clone()
        wrong[1, 23_456, 2] += fault
        with memory_limit(0.25):
            assert first_no_distribution(wrong) == 23_456
    negative = torch.tensor([[0.5, 0.5], [1.5, -0.5]])
    assert first_no_distribution(negative) == 1


def test_nan_is_the_better_word_for_probabilities_that_hold_it() -> None:
    probs = probabilities(5)
    probs[3, 1] = torch.nan
    with pytest.raises(NonFinite, match="Probs of row 3 is not finite"):
        Snapshot.from_arrays(probs=probs)
    probs[3, 1] = 4.0
    with pytest.raises(DataError, match="Probs of row 3 do not sum to one; scores before the softmax are logits"):
        Snapshot.from_arrays(probs=probs)


def test_a_row_at_fault_is_named_before_it_spoils_what_is_derived_from_all() -> None:
    probs, embeddings = probabilities(9), torch.randn(9, 3, generator=generator(1))
    at = Positions(n=9, candidates=torch.arange(9))
    embeddings[4, 2] = torch.nan
    with pytest.raises(NonFinite, match="Embeddings of row 4"):
        Snapshot(at=at, answers={Probs(): probs, Embeddings(): embeddings})[Density()]


def test_a_mapped_table_is_neither_copied_nor_read_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "z.npy", np.random.default_rng(0).normal(size=(N, 64)).astype(np.float16))
    mapped = np.load(tmp_path / "z.npy", mmap_mode="r")
    tracemalloc.start()
    table = as_table(mapped)
    with LargestTensor(table) as largest:
        snapshot = Snapshot.from_arrays(embeddings=mapped, probs=probabilities())
        gradients = snapshot[GradEmbeddings()]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert gradients.right.data_ptr() == mapped.ctypes.data
    assert gradients.right.dtype == torch.float16
    assert largest.numel <= N * 7  # the residuals; nothing as large as the file
    assert peak < N * 64
    monkeypatch.setattr("querist.views.snapshot.first_not_finite", None)  # a second look would fail
    snapshot.refuse_non_finite(Embeddings())


def test_positions_are_cut_with_their_table() -> None:
    at = Positions(
        n=4,
        candidates=torch.tensor([3, 0]),
        labelled=torch.tensor([2]),
        offsets=torch.tensor([0, 2, 2, 5, 6]),
        task="tokens",
    )
    (first, left), (second, right) = at.blocks(2)
    assert (first, second) == (slice(0, 2), slice(2, 4))
    assert (left.candidates.tolist(), left.labelled.tolist(), left.offsets.tolist()) == ([0], [], [0, 2, 2])
    assert (right.candidates.tolist(), right.labelled.tolist(), right.offsets.tolist()) == ([1], [0], [0, 3, 4])
    assert right.task == "tokens"


def test_answers_are_cut_along_their_rows() -> None:
    snapshot = toys.mixed("tokens").snapshot(labelled=[0])
    at, rows = snapshot.at, slice(5, 9)
    units = slice(int(at.offsets[5]), int(at.offsets[9]))
    assert torch.equal(Probs().cut(snapshot[Probs()], rows, at=at), snapshot[Probs()][units])
    assert torch.equal(ProbSamples().cut(snapshot[ProbSamples()], rows, at=at), snapshot[ProbSamples()][:, units])
    assert torch.equal(Labels().cut(snapshot[Labels()], rows, at=at), snapshot[Labels()][rows])
    target = torch.ones(2, 3)
    assert Embeddings(of="target").cut(target, rows, at=at) is target
    plain = toys.mixed("classification").snapshot(labelled=[0])
    cut = GradEmbeddings().cut(plain[GradEmbeddings()], rows, at=plain.at)
    assert torch.equal(cut.dense(), plain[GradEmbeddings()].dense()[5:9])


def test_derived_views_of_half_precision_are_computed_in_float32() -> None:
    logits = 4 * torch.randn(N, 7, generator=generator(3))
    with memory_limit(0.25):
        derived = Snapshot.from_arrays(logits=logits.half())[Probs()]
    torch.testing.assert_close(derived, logits.half().float().softmax(-1))
    assert Snapshot.from_arrays(logits=logits)[Logits()].data_ptr() == logits.data_ptr()


def test_density_is_the_mean_cosine_to_the_candidates() -> None:
    points = torch.randn(40, 3, generator=generator(4))
    points[5] = 0
    snapshot = Snapshot.from_arrays(embeddings=points.half(), candidates=[0, 5, 7, 30])
    points = points.half().double()
    expected = naive.density(points.tolist(), points[[0, 5, 7, 30]].tolist())
    assert snapshot[Density()].tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"probs": [0.5, 0.5]}, r"Probs have the shape \[2\]; give \[n c\]"),
        ({"prob_samples": [[0.5, 0.5]]}, r"give \[s n c\]"),
        ({"embeddings": [[1.0]], "target": [1.0]}, r"give \[q d\]"),
        ({"embeddings": [[1.0]], "target": [[1.0, 2.0]]}, "1 numbers a row, those of the target 2"),
        ({"embeddings": [["a"]]}, "holds no numbers"),
    ],
)
def test_arrays_of_another_shape_are_refused(arrays: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Snapshot.from_arrays(**arrays)
