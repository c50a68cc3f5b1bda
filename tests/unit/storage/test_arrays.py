"""Arrays from files: what is in them, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from querist.core.errors import DataError
from querist.core.progress import listening
from querist.selectors import k_center
from querist.storage.arrays import open_array

TABLE = np.random.default_rng(0).normal(size=(40_000, 6)).astype(np.float32)


def _lists(rows: np.ndarray) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int8", ">f4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_is_mapped(tmp_path: Path, dtype: str, order: str) -> None:
    expected = np.asarray(10 * TABLE[:50], dtype=dtype, order=order)  # type: ignore[call-overload]
    np.save(tmp_path / "z.npy", expected)
    found = open_array(tmp_path / "z.npy")
    assert isinstance(found, np.memmap)
    np.testing.assert_array_equal(found, expected)
    plain = k_center(expected.astype(np.float64 if dtype == "float64" else np.float32), k=5, labelled=[0])
    assert k_center(found, k=5, labelled=[0]).tolist() == plain.tolist()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_members(tmp_path: Path, save) -> None:  # type: ignore[no-untyped-def]
    save(tmp_path / "two.npz", z=TABLE, y=np.arange(3))
    np.testing.assert_array_equal(open_array(tmp_path / "two.npz", name="z"), TABLE)
    with pytest.raises(DataError, match=r"holds 2 arrays of numbers: z, y; name one as .*two\.npz:NAME"):
        open_array(tmp_path / "two.npz")
    with pytest.raises(DataError, match="no array 'x' of numbers; it has z, y"):
        open_array(tmp_path / "two.npz", name="x")


def test_parquet_columns(tmp_path: Path) -> None:
    """Lists of fixed or free size over several row groups, vectors, and plain columns side by side."""
    ragged = pa.array(TABLE[:100].tolist(), pa.list_(pa.float64()))
    table = pa.table({"z": _lists(TABLE), "name": [f"a{row}" for row in range(len(TABLE))], "score": TABLE[:, 0]})
    parquet.write_table(table, tmp_path / "z.parquet", row_group_size=9_000)
    heard: list[float] = []
    with listening(lambda _, share: heard.append(share)):
        np.testing.assert_array_equal(open_array(tmp_path / "z.parquet"), TABLE)
    assert heard == sorted(heard)
    assert heard[-1] == 1
    np.testing.assert_array_equal(open_array(tmp_path / "z.parquet", name="score"), TABLE[:, 0])
    parquet.write_table(pa.table({"z": ragged}), tmp_path / "free.parquet")
    np.testing.assert_allclose(open_array(tmp_path / "free.parquet"), TABLE[:100])
    wide = pa.table({f"f{axis}": TABLE[:, axis] for axis in range(6)})
    parquet.write_table(wide, tmp_path / "wide.parquet")
    np.testing.assert_array_equal(open_array(tmp_path / "wide.parquet"), TABLE)


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    np.save(tmp_path / "z.npy", TABLE)
    whole = (tmp_path / "z.npy").read_bytes()
    (tmp_path / "cut.npy").write_bytes(whole[:-5])
    (tmp_path / "text.npy").write_text("1,2,3")
    np.save(tmp_path / "objects.npy", np.array([{}, []], dtype=object))
    np.savez(tmp_path / "z.npz", z=TABLE)
    (tmp_path / "cut.npz").write_bytes((tmp_path / "z.npz").read_bytes()[:-200])
    for name, rows in (
        ("none", [[1.0], None]),
        ("gap", [[1.0, 2.0], [3.0, None]]),
        ("ragged", [[1.0, 2.0], [1.0, 3.0], [4.0]]),
    ):
        parquet.write_table(pa.table({"z": pa.array(rows, pa.list_(pa.float32()))}), tmp_path / f"{name}.parquet")
    parquet.write_table(pa.table({"name": ["a"]}), tmp_path / "words.parquet")
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "none.parquet").read_bytes()[:-9])
    for file, said in {
        "missing.npy": "there is no file",
        "z.txt": "no array file; give one that ends in .npy, .npz, .parquet",
        "cut.npy": f"cut short: {len(whole) - 5} bytes of {len(whole)}",
        "text.npy": "is no npy file",
        "objects.npy": "Python objects",
        "cut.npz": "is damaged",
        "none.parquet": "no value in row 1",
        "gap.parquet": "no value in row 1",
        "ragged.parquet": "1 numbers in row 2 and 2 before",
        "words.parquet": "holds 0 columns of numbers: none",
        "cut.parquet": "no Parquet file, or is damaged",
    }.items():
        with pytest.raises(DataError, match=said):
            open_array(tmp_path / file)


def test_an_empty_table_is_a_table(tmp_path: Path) -> None:
    np.save(tmp_path / "z.npy", TABLE[:0])
    assert open_array(tmp_path / "z.npy").shape == (0, 6)
