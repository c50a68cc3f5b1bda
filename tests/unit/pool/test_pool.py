"""Rows, splits, growth: the pool's promises."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from querist.core.errors import DataError, NonFinite, UsageError
from querist.pool.pool import Origin, Pool


def test_one_id_space_serves_all_splits() -> None:
    x = np.arange(12, dtype=np.float32).reshape(6, 2)
    pool = Pool.from_arrays(x, list("abcabc"), validation=(x[:1] + 50, ["a"]), test=(x[:2] + 100, ["b", "c"]))
    assert [pool.rows(split).tolist() for split in ("train", "validation", "test")] == [[*range(6)], [6], [7, 8]]
    assert len(pool) == 9
    # Rows of several parts in any order, a row twice.
    taken = pool.payloads([8, 0, 6, 8])
    assert taken.tolist() == [[102, 103], [0, 1], [50, 51], [102, 103]]
    assert pool[7].tolist() == [100, 101]
    assert pool.truth([8, 0]) == ["c", "a"]
    assert pool.split(6) == "validation"
    assert pool.notes == []


def test_arrays_are_not_copied(tmp_path) -> None:
    x = np.zeros((5, 4, 4), np.uint8)
    pool = Pool.from_arrays(x)
    x[3] = 7
    assert (pool[3] == 7).all()
    np.save(tmp_path / "x.npy", np.zeros((5, 3), np.float32))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    pool = Pool.from_arrays(mapped)
    assert pool.payloads([1, 2]).shape == (2, 3)
    assert np.shares_memory(pool._index.parts[0].payloads.array, mapped)


@pytest.mark.parametrize(
    ("x", "modality", "shape"),
    [
        (np.zeros((3, 5), np.int64), "table", (5,)),
        (np.zeros((3, 8, 8), np.uint8), "image", (8, 8)),
        (np.ones((3, 8, 8, 1)), "image", (8, 8)),
        (torch.ones(3, 3, 8, 6), "image", (8, 6, 3)),
        (np.full((3, 10, 3), -4.5), "table", (30,)),
    ],
)
def test_forms_of_arrays(x, modality, shape) -> None:
    pool = Pool.from_arrays(x)
    assert (pool.modality, pool[0].shape) == (modality, shape)
    assert pool[0].dtype == (np.uint8 if modality == "image" else np.float32)


def test_floats_between_0_and_1_become_levels() -> None:
    pool = Pool.from_arrays(np.array([[[0.0, 1.0], [0.5, 0.25]]]))
    assert pool[0].tolist() == [[0, 255], [128, 64]]
    assert pool.notes
    with pytest.raises(DataError, match=r"floats 0 to 1; found float64 from -2 to 1"):
        Pool.from_arrays(np.linspace(-2, 1, 32).reshape(2, 4, 4), modality="image")


def test_images_of_several_shapes_are_a_list() -> None:
    pool = Pool.from_arrays([np.zeros((4, 4), np.uint8), np.zeros((5, 4), np.uint8)])
    assert [image.shape for image in pool.payloads([0, 1])] == [(4, 4), (5, 4)]
    assert pool.payloads([1, 1]).shape == (2, 5, 4)


@pytest.mark.parametrize(
    ("y", "task", "first"),
    [
        ([2, 10, 9], ("classification", ("2", "9", "10")), "2"),
        (np.array([[1], [0], [1]]), ("classification", ("0", "1")), "1"),
        (["b", "a", None], ("classification", ("a", "b")), "b"),
        ([1.5, 2.0, 3.0], ("regression", ()), 1.5),
        (torch.tensor([[1, 0], [1, 1], [0, 0]]), ("multilabel", ("0", "1")), ["0"]),
        ([["x"], [], ["y", "x"]], ("multilabel", ("x", "y")), ["x"]),
        ([True, False, True], ("classification", ("False", "True")), "True"),
    ],
)
def test_labels_are_plain_data(y, task, first) -> None:
    pool = Pool.from_arrays(np.zeros((3, 2)), y)
    assert pool.suggest_task() == task
    assert pool.truth([0]) == [first]


def test_tokens() -> None:
    pool = Pool.from_arrays([["to", "Rome"], ["hi"]], [["O", "B-loc"], ["O"]])
    assert (pool.modality, pool[0], pool.suggest_task()) == ("tokens", ["to", "Rome"], ("tokens", ("B-loc", "O")))


def test_unknown_labels() -> None:
    x = np.arange(8.0).reshape(4, 2)
    pool = Pool.from_arrays(x, ["a", None, "b", ""], test=(x + 9, ["a", None, "b", "b"]))
    assert pool.known(pool.rows()).tolist() == [True, False, True, False]
    assert not pool.has_truth("train")
    # A test row without a label can test nothing.
    assert pool.rows("test").tolist() == [4, 6, 7]
    assert pool.split(5) is None
    assert pool.notes == ["1 of 4 test rows have no label and are left out of it"]
    with pytest.raises(DataError, match=r"row 1 \(train/1\) has no label"):
        pool.truth([0, 1])
    with pytest.raises(DataError, match="no labels to guess the task from"):
        Pool.from_arrays(x).suggest_task()
    assert Pool.from_arrays(x, classes=["no", "yes"]).suggest_task() == ("classification", ("no", "yes"))
    assert not Pool.from_arrays(x).has_truth("test")


def test_given_overlaps_are_reported_and_kept() -> None:
    x = np.arange(6.0).reshape(3, 2)
    pool = Pool.from_arrays(x, [0, 1, 0], test=(x[1:], [1, 0]))
    assert pool.rows("test").tolist() == [3, 4]
    assert pool.notes == ["2 of 2 test rows also occur in train; the split is kept as given"]


@given(
    contents=st.lists(st.integers(0, 12), min_size=1, max_size=60),
    share=st.floats(0.05, 0.6),
    seed=st.integers(0, 99),
)
def test_copies_never_straddle_a_split_made_here(contents, share, seed) -> None:
    x = np.array(contents, dtype=np.float32)[:, None]
    labels = [str(value % 3) for value in contents]
    pool = Pool.from_arrays(x, labels, test=share, seed=seed)
    train, test = pool.rows("train"), pool.rows("test")
    assert sorted([*train, *test]) == list(range(len(contents)))
    assert not set(x[train, 0]) & set(x[test, 0])
    # No class is lost to training.
    assert {labels[row] for row in train} == set(labels)


def test_a_share_is_stratified_and_decided_by_the_seed() -> None:
    x, y = np.arange(1000.0)[:, None], np.repeat(["many", "few"], [900, 100])
    pool = Pool.from_arrays(x, y, test=0.2, seed=3)
    held = pool.rows("test")
    assert sorted(zip(*np.unique(y[held], return_counts=True), strict=True)) == [("few", 20), ("many", 180)]
    assert held.tolist() == Pool.from_arrays(x, y, test=0.2, seed=3).rows("test").tolist()
    assert held.tolist() != Pool.from_arrays(x, y, test=0.2, seed=4).rows("test").tolist()
    with pytest.raises(UsageError, match="number between 0 and 1"):
        Pool.from_arrays(x, y, test=1.5)


def test_not_a_number_is_named() -> None:
    x = np.zeros((5, 3))
    x[3, 1] = np.nan
    with pytest.raises(NonFinite, match="column 1 of row 3 is not finite"):
        Pool.from_arrays(x)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((3, 2)), [1, 2], "3 payloads came with 2 labels"),
        (np.zeros(3), None, "neither images, texts, tokens nor table rows"),
        (["a", 3], None, "the text of row 1 is 3"),
        ([[1.0, 2.0], [3.0]], None, "different numbers of features"),
        (np.zeros((0, 2)), None, "holds no rows"),
        (np.zeros((2, 2)), np.array([[0, 3], [1, 1]]), "must be 0 or 1"),
    ],
)
def test_bad_arrays(x, y, message) -> None:
    with pytest.raises(DataError, match=message):
        Pool.from_arrays(x, y)


def test_rows_that_are_not_there() -> None:
    pool = Pool.from_arrays(np.zeros((3, 2)))
    for rows in ([3], [-1]):
        with pytest.raises(UsageError, match="the pool has rows 0 to 2"):
            pool.payloads(rows)
    with pytest.raises(UsageError, match="choose one of train, validation, test"):
        pool.rows("dev")


def test_added_rows_join_behind() -> None:
    pool = Pool.from_arrays(np.zeros((3, 2)), ["a", "b", "a"], test=(np.ones((1, 2)), ["b"]))
    before = pool.fingerprint
    rows = pool.add(np.full((2, 2), 9.0), origin="synthesised", parents=[1, None], labels=["c", None])
    assert rows.tolist() == [4, 5]
    assert pool.rows().tolist() == [0, 1, 2, 4, 5]
    assert pool[4].tolist() == [9, 9]
    assert pool.origin(4) == Origin("synthesised", 1)
    assert pool.origin(0) == Origin("source", None)
    assert pool.key(5) == "synthesised/5"
    # A new class appears.
    assert pool.suggest_task() == ("classification", ("a", "b", "c"))
    assert pool.fingerprint != before
    with pytest.raises(UsageError, match="'synthesised/5' is taken"):
        pool.add(np.zeros((1, 2)), origin="synthesised", keys=["synthesised/5"])
    with pytest.raises(DataError, match="rows with 3 features cannot join a pool of rows with 2"):
        pool.add(np.zeros((1, 3)), origin="synthesised")
    with pytest.raises(UsageError, match="row 77"):
        pool.add(np.zeros((1, 2)), origin="synthesised", parents=[77])
    assert len(pool) == 6


def test_align_keeps_what_a_journal_knows() -> None:
    pool = Pool.from_arrays(np.arange(5.0)[:, None], list("abcde"))
    known = ["train/3", "gone", "train/1"]
    aligned = pool.align(known, ["test", "train", "train"])
    assert [aligned.key(row) for row in range(6)] == ["train/3", "gone", "train/1", "train/0", "train/2", "train/4"]
    assert aligned.payloads([0, 2, 5])[:, 0].tolist() == [3, 1, 4]
    assert aligned.rows().tolist() == [2, 3, 4, 5]
    assert aligned.rows("test").tolist() == [0]
    assert "1 rows of before are gone, the first is gone" in aligned.notes
    with pytest.raises(DataError, match=r"row 1 \(gone\) is gone"):
        aligned[1]
    # Aligning again changes nothing, and the first pool was not touched.
    assert aligned.align(aligned.keys()).keys() == aligned.keys()
    assert pool.keys() == [f"train/{place}" for place in range(5)]
    with pytest.raises(UsageError, match="named twice"):
        pool.align(["train/1", "train/1"])


def test_align_carries_origins_and_puts_copies_beside_their_twin() -> None:
    x = np.array([[0.0], [1.0], [1.0]])
    pool = Pool.from_arrays(x, list("abb"))
    pool.add(np.array([[5.0]]), origin="perturbed", parents=[0], labels=["a"])
    aligned = pool.align(["perturbed/3", "train/1"], ["train", "test"])
    assert aligned.origin(0) == Origin("perturbed", 2)
    assert [aligned.split(row) for row in range(4)] == ["train", "test", "train", "test"]


@given(st.permutations(range(6)), st.integers(0, 6))
def test_row_ids_are_stable(order, known) -> None:
    pool = Pool.from_arrays(np.arange(6.0)[:, None])
    keys = [f"train/{place}" for place in order[:known]]
    aligned = pool.align(keys)
    assert aligned.keys()[:known] == keys
    assert sorted(aligned.payloads(np.arange(6))[:, 0].tolist()) == list(range(6))
    assert all(aligned[row][0] == int(aligned.key(row).split("/")[1]) for row in range(6))


class _Photos:
    """A data set as people write them: tensors with channels first, and whole numbers for classes."""

    def __init__(self, count: int) -> None:
        self.read = 0
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, place: int):
        self.read += 1
        return torch.full((3, 4, 5), place / 10), place % 2


def test_from_dataset_reads_lazily() -> None:
    dataset = _Photos(6)
    pool = Pool.from_dataset(dataset, test=_Photos(2), classes=["cat", "dog"])
    assert dataset.read == 6
    assert pool.payloads([1, 7]).shape == (2, 4, 5, 3)
    assert dataset.read == 7
    assert pool.truth([1]) == ["dog"]
    assert pool.name == "_Photos"
    assert pool.notes == ["2 of 2 test rows also occur in train; the split is kept as given"]
    with pytest.raises(DataError, match="item 1 of the data set has label 1, and 1 classes"):
        Pool.from_dataset(dataset, classes=["cat"])


def test_from_dataset_without_labels() -> None:
    pool = Pool.from_dataset(["one text", "another"])
    assert (pool.modality, pool[1]) == ("text", "another")
    assert not pool.has_truth()


@pytest.mark.parametrize(
    ("y", "kind", "labels", "classes"),
    [
        ([3, 14], "regression", [3.0, 14.0], ()),
        ([3.0, 1.5], "classification", ["3", "1.5"], ("1.5", "3")),
        (["a", "b"], "multilabel", [["a"], ["b"]], ("a", "b")),
        (["a", "b"], "classification", ["a", "b"], ("a", "b")),
    ],
)
def test_labels_take_the_form_of_the_task(y, kind, labels, classes) -> None:
    pool = Pool.from_arrays(np.eye(2), y)
    before = pool.truth([0, 1])
    other = pool.labelled_as(kind)
    assert other.truth([0, 1]) == labels
    assert other.suggest_task() == (kind, classes)
    assert pool.truth([0, 1]) == before


def test_a_label_that_cannot_take_the_form_is_named_with_its_row() -> None:
    with pytest.raises(DataError, match=r"the label 'many' .* task regression, first in row 1 \(train/1\)"):
        Pool.from_arrays(np.eye(2), ["1", "many"]).labelled_as("regression")
    with pytest.raises(DataError, match="task classification"):
        Pool.from_arrays(np.eye(2), [["a"], ["b"]]).labelled_as("classification")
    with pytest.raises(UsageError, match="no tokens that could be tagged"):
        Pool.from_arrays(np.eye(2), ["a", "b"]).labelled_as("tokens")
