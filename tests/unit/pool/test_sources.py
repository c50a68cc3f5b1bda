"""Sources: real files are read as they should be, and bad ones are one line that says what to do."""

from __future__ import annotations

import gzip
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from querist.core.errors import DataError, NonFinite, QueristError, UnknownName, UsageError
from querist.pool.sources import open_pool, registry


def _idx(array: np.ndarray) -> bytes:
    code = {"u1": 8, "i4": 12}[array.dtype.str[1:]]
    shape = b"".join(length.to_bytes(4, "big") for length in array.shape)
    return bytes([0, 0, code, array.ndim]) + shape + array.astype(array.dtype.newbyteorder(">")).tobytes()


def _write(path, text) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_folder_is_the_registry() -> None:
    assert list(registry) == ["conll", "csv", "digits", "hf", "idx", "images", "jsonl", "npz", "parquet"]


def test_opening_loads_no_torch() -> None:
    code = (
        "import sys; from querist.pool.sources import open_pool; open_pool('digits'); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_digits_are_the_same_for_every_seed() -> None:
    pool = open_pool("digits")
    assert (pool.modality, pool[0].shape, pool[0].dtype) == ("image", (8, 8), np.uint8)
    assert pool.payloads(pool.rows()).max() == 255
    held = pool.rows("test")
    assert len(held) == 451
    counts = np.unique(pool.truth(held), return_counts=True)[1]
    assert counts.min() >= 43
    assert counts.max() <= 46
    assert open_pool("digits", seed=7).fingerprint == pool.fingerprint
    assert pool.suggest_task() == ("classification", tuple("0123456789"))


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ("imges:x", UnknownName, "no source is called 'imges'; did you mean 'images'"),
        ("digits:x", UsageError, "digits takes no path"),
        ("csv:", UsageError, "csv needs a path; write csv:PATH"),
        ("csv:nowhere.csv", DataError, r"there is no file or folder nowhere\.csv"),
        ("idx:nowhere", DataError, "there is no folder nowhere"),
    ],
)
def test_names_that_are_wrong(data, error, message) -> None:
    with pytest.raises(error, match=message):
        open_pool(data)


@pytest.mark.parametrize(
    ("name", "kind"), [("a.csv", "csv"), ("b.jsonl", "jsonl"), ("c.parquet", "parquet"), ("", "images")]
)
def test_a_bare_path_is_answered_with_its_kind(tmp_path, name, kind) -> None:
    if name:
        _write(tmp_path / name, "x")
    with pytest.raises(UsageError, match=f"write {kind}:"):
        open_pool(str(tmp_path / name))


# arrays


def test_npz_names(tmp_path) -> None:
    x, y = np.zeros((4, 8, 8), np.uint8), np.array([0, 1, 0, 1])
    x[:] = np.arange(4)[:, None, None]
    np.savez(tmp_path / "a.npz", train_images=x, train_labels=y[:, None], val_images=x[:1] + 9, val_labels=y[:1, None])
    pool = open_pool(f"npz:{tmp_path / 'a.npz'}")
    assert [len(pool.rows(split)) for split in ("train", "validation", "test")] == [2, 1, 2]
    np.savez(tmp_path / "b.npz", x=x, y=y, classes=np.array(["cat", "dog"]), speaker=y)
    pool = open_pool(f"npz:{tmp_path / 'b.npz'}")
    assert pool.truth([1]) == ["dog"]
    assert "arrays that are not used: speaker" in pool.notes
    for name, array in (("x_train", x), ("y_train", y), ("x_test", x[:2] + 50), ("y_test", y[:2])):
        (tmp_path / "folder").mkdir(exist_ok=True)
        np.save(tmp_path / "folder" / f"{name}.npy", array)
    pool = open_pool(f"npz:{tmp_path / 'folder'}")
    assert pool.payloads([4])[0, 0, 0] == 50


def test_bad_npz(tmp_path) -> None:
    file = tmp_path / "a.npz"
    np.savez_compressed(file, x_train=np.random.default_rng(0).random((50, 9)), y_train=np.zeros(50))
    whole = file.read_bytes()
    for content in (whole[: len(whole) // 2], whole[:-200], whole[:400] + b"\1\2\3\4" + whole[404:], b"PK no"):
        file.write_bytes(content)
        with pytest.raises(DataError, match=r"a\.npz cannot be read as arrays: it is damaged or cut short"):
            open_pool(f"npz:{file}")
    file.write_bytes(b"")
    with pytest.raises(DataError, match=r"a\.npz is empty"):
        open_pool(f"npz:{file}")
    np.savez(file, edges=np.zeros(3), x_test=np.zeros((2, 2)))
    with pytest.raises(DataError, match="no training payloads; its arrays are edges, x_test"):
        open_pool(f"npz:{file}")
    np.savez(file, x=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError, match="it holds Python objects"):
        open_pool(f"npz:{file}")
    np.savez(file, x=np.array([[0, 1], [np.inf, 2]]), y=np.array([0, 1]))
    with pytest.raises(NonFinite, match="column 0 of row 1 is not finite"):
        open_pool(f"npz:{file}")


@pytest.mark.parametrize("packed", [False, True])
def test_idx(tmp_path, packed) -> None:
    x = np.random.default_rng(0).integers(0, 256, (6, 5, 4), dtype=np.uint8)
    files = {"train-images-idx3-ubyte": x, "train-labels-idx1-ubyte": np.arange(6, dtype=np.uint8) % 2}
    files |= {"t10k-images.idx3-ubyte": x[:2] // 2, "t10k-labels.idx1-ubyte": np.array([1, 0], np.int32)}
    for name, array in files.items():
        content = _idx(array)
        (tmp_path / (name + ".gz" * packed)).write_bytes(gzip.compress(content) if packed else content)
    pool = open_pool(f"idx:{tmp_path}")
    assert (pool.payloads(pool.rows()) == x).all()
    assert pool.truth(pool.rows("test")) == ["1", "0"]
    broken = tmp_path / ("train-images-idx3-ubyte" + ".gz" * packed)
    broken.write_bytes(broken.read_bytes()[:-9])
    with pytest.raises(
        DataError, match=r"train-images-idx3-ubyte.*(cut short|should hold 120 bytes of data and holds 111)"
    ):
        open_pool(f"idx:{tmp_path}")
    broken.write_bytes(gzip.compress(b"no idx file") if packed else b"no idx file")
    with pytest.raises(DataError, match="is not an idx file"):
        open_pool(f"idx:{tmp_path}")
    broken.unlink()
    with pytest.raises(DataError, match="holds no idx files"):
        open_pool(f"idx:{tmp_path}")


# tables


def test_csv_of_texts(tmp_path) -> None:
    rows = "\n".join(f'"text, number {at}",{"spam" if at % 3 else "ham"},{at}' for at in range(30))
    pool = open_pool("csv:" + _write(tmp_path / "sms.csv", f"message,category,id\n{rows}\n"))
    assert (pool.modality, pool[2], pool.key(2)) == ("text", "text, number 2", "sms.csv/2")
    assert pool.suggest_task() == ("classification", ("ham", "spam"))
    assert len(pool.rows("test")) == 6
    assert pool.notes[:3] == [
        "column 'message' is taken for the text; --text says otherwise",
        "column 'category' is taken for the label; --label says otherwise",
        "columns that are not used: id",
    ]
    named = open_pool(f"csv:{tmp_path / 'sms.csv'}", text="category", label="id")
    assert (named[0], named.truth([0])) == ("ham", ["0"])
    assert "columns that are not used: message" in named.notes


def test_csv_of_numbers(tmp_path) -> None:
    rows = "\n".join(f"{at};{at / 2};{'a' if at < 8 else 'b'}" for at in range(16))
    pool = open_pool("csv:" + _write(tmp_path / "iris.csv", f"width;length;species\n{rows}"))
    assert (pool.modality, pool[3].tolist(), pool.truth([3])) == ("table", [3, 1.5], ["a"])
    assert "2 columns of numbers are the features: width, length" in pool.notes
    tall = "\n".join(f"{at}\t{at * 1.5}" for at in range(16))
    pool = open_pool("csv:" + _write(tmp_path / "line.tsv", f"x\ty\n{tall}"))
    assert pool.suggest_task() == ("regression", ())


def test_whole_numbers_that_look_like_amounts_get_a_word(tmp_path) -> None:
    rows = "\n".join(f"{at},{at * 1000}" for at in range(60))
    pool = open_pool("csv:" + _write(tmp_path / "houses.csv", f"rooms,target\n{rows}"))
    assert pool.suggest_task()[0] == "classification"
    assert any("60 classes, unless the task is regression" in note for note in pool.notes)


def test_missing_labels_are_unknown_and_several_are_parted(tmp_path) -> None:
    rows = "\n".join(f"text {at}," + ("" if at % 4 == 0 else "a|b" if at % 4 == 1 else "b") for at in range(40))
    pool = open_pool("csv:" + _write(tmp_path / "a.csv", f"text,label\n{rows}"))
    assert pool.suggest_task() == ("multilabel", ("a", "b"))
    assert pool.truth([1, 2]) == [["a", "b"], ["b"]]
    assert pool.known([0, 1]).tolist() == [False, True]
    assert "10 of 40 rows have no label" in pool.notes
    assert set(pool.rows("test").tolist()).isdisjoint(range(0, 40, 4))


def test_a_column_of_splits(tmp_path) -> None:
    lines = [f"{at},{at % 2},{split}" for at, split in enumerate(["train", "test", "dev", "train", "valid"])]
    file = _write(tmp_path / "a.csv", "x,label,split\n" + "\n".join(lines))
    pool = open_pool(f"csv:{file}")
    assert [pool.rows(split).tolist() for split in ("train", "validation", "test")] == [[0, 3], [2, 4], [1]]
    _write(tmp_path / "a.csv", "x,label,fold\n1,0,train\n2,1,holdout\n")
    with pytest.raises(DataError, match=r"column 'fold' of row 1 of a\.csv says 'holdout'"):
        open_pool(f"csv:{file}", split="fold")


def test_a_folder_of_splits(tmp_path) -> None:
    _write(tmp_path / "train.jsonl", '{"text": "a b", "label": 1}\n\n{"text": "c", "label": 0, "by": "ann"}\n')
    _write(tmp_path / "dev.jsonl", '{"text": "d", "label": 1}\n')
    _write(tmp_path / "test.jsonl", '{"text": "e"}\n')
    _write(tmp_path / "extra.jsonl", '{"text": "f"}\n')
    pool = open_pool(f"jsonl:{tmp_path}")
    assert pool.keys() == ["train.jsonl/0", "train.jsonl/1", "dev.jsonl/0", "test.jsonl/0"]
    assert pool.truth([1]) == ["0"]
    # The test file has no labels, so it cannot test; a share of the rest does, if it can be spared.
    assert pool.split(3) is None
    assert pool.notes[0] == "files that are not used, as their names say no split: extra.jsonl"
    assert "1 of 1 test rows have no label and are left out of it" in pool.notes
    _write(tmp_path / "test.jsonl", '{"sentence": "e"}\n')
    with pytest.raises(DataError, match=r"test\.jsonl has no column 'text'; its columns are sentence"):
        open_pool(f"jsonl:{tmp_path}")
    (tmp_path / "train.jsonl").unlink()
    with pytest.raises(DataError, match=r"holds dev\.jsonl, test\.jsonl and no training file"):
        open_pool(f"jsonl:{tmp_path}")


def test_jsonl_of_tokens_and_lists(tmp_path) -> None:
    line = '{"tokens": ["to", "Rome"], "ner_tags": ["O", "B-loc"]}\n'
    pool = open_pool("jsonl:" + _write(tmp_path / "a.jsonl", line))
    assert (pool.modality, pool[0], pool.truth([0])) == ("tokens", ["to", "Rome"], [["O", "B-loc"]])
    lines = '{"text": "x", "topics": ["b", "a"]}\n{"text": "y", "topics": []}\n'
    pool = open_pool("jsonl:" + _write(tmp_path / "b.jsonl", lines), label="topics")
    assert pool.truth([0, 1]) == [["b", "a"], []]
    assert pool.suggest_task() == ("multilabel", ("a", "b"))


def test_parquet_of_images(tmp_path) -> None:
    import io

    from PIL import Image

    def png(value):
        buffer = io.BytesIO()
        Image.new("RGB", (6, 4), (value, 0, 0)).save(buffer, "PNG")
        return buffer.getvalue()

    cells = [{"bytes": png(value), "path": None} for value in range(10)]
    pq.write_table(pa.table({"image": cells, "label": [0, 1] * 5}), tmp_path / "a.parquet")
    pool = open_pool(f"parquet:{tmp_path / 'a.parquet'}")
    assert (pool.modality, pool.payloads(np.arange(10))[:, 0, 0, 0].tolist()) == ("image", list(range(10)))
    cells[3]["bytes"] = b"nonsense"
    pq.write_table(pa.table({"image": cells, "label": [0, 1] * 5}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"row 3 of a\.parquet cannot be read as an image"):
        open_pool(f"parquet:{tmp_path / 'a.parquet'}")
    pool = open_pool(f"parquet:{tmp_path / 'a.parquet'}", skip_bad=True)
    assert len(pool) == 9
    assert (pool.key(3), pool.truth([3])) == ("a.parquet/4", ["0"])


@pytest.mark.parametrize(
    ("kind", "name", "content", "message"),
    [
        ("csv", "a.csv", "", r"a\.csv is empty"),
        ("csv", "a.csv", "x,y\n", "holds no rows"),
        ("csv", "a.csv", "x1,x2,y\n1,2,0\n3,,1\n", r"column 'x2' of row 1 of a\.csv is not finite"),
        ("csv", "a.csv", "x1,x2,y\n1,nan,0\n3,4,1\n", r"column 'x2' of row 0 of a\.csv is not finite"),
        ("csv", "a.csv", "x,y\n1,2\n3\n", r"a\.csv cannot be read as csv: .*Expected 2 columns"),
        ("csv", "a.csv", "label\n1\n2\n", "no column of texts, tokens, images or numbers beside the label"),
        ("jsonl", "a.jsonl", '{"text": "a"}\n{"text"\n', r"line 2 of .*a\.jsonl is no JSON"),
        ("jsonl", "a.jsonl", "[1]\n", "line 1 of .* holds a list"),
        ("jsonl", "a.jsonl", '{"text": "a"}\n{"text": 3}\n', "holds values of several types under 'text'"),
        (
            "jsonl",
            "a.jsonl",
            '{"text": "a", "label": 1}\n{"label": 1}\n',
            r"column 'text' of row 1 of a\.jsonl is empty",
        ),
        ("parquet", "a.parquet", "PAR1 no table", r"a\.parquet cannot be read as Parquet"),
        ("conll", "a.conll", "a O\nb\n", r"line 2 of .*a\.conll has no tag"),
        ("conll", "a.conll", "\n\n", "holds no sentences"),
    ],
)
def test_bad_files(tmp_path, kind, name, content, message) -> None:
    file = _write(tmp_path / name, content)
    with pytest.raises(QueristError, match=message) as raised:
        open_pool(f"{kind}:{file}")
    assert "\n" not in str(raised.value)


def test_columns_that_are_not_there(tmp_path) -> None:
    file = _write(tmp_path / "a.csv", "text,label,n\nx,a,1\ny,b,2\n")
    for option in ("text", "label", "split"):
        with pytest.raises(DataError, match=f"no column 'lable'; its columns are text, label, n; .*--{option}"):
            open_pool(f"csv:{file}", **{option: "lable"})
    with pytest.raises(UsageError, match=r"column 'n' of .* holds int64, no texts"):
        open_pool(f"csv:{file}", text="n")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"holds no \.csv or \.tsv files"):
        open_pool(f"csv:{tmp_path / 'empty'}")


def test_new_data_are_read_like_those_before(tmp_path) -> None:
    seen = open_pool(f"csv:{_write(tmp_path / 'seen.csv', 'a,b,label' + chr(10) + '1,2,x' + chr(10) + '3,4,y')}")
    assert seen.columns == ("a", "b")
    # Without a label the last column of numbers would be taken for one, and in another order a number for another.
    new = open_pool(f"csv:{_write(tmp_path / 'new.csv', 'more,b,a' + chr(10) + '9,2,1')}", like=seen.columns)
    assert new[0].tolist() == [1, 2]
    with pytest.raises(DataError, match="lacks the columns b; its columns are a, c"):
        open_pool(f"csv:{_write(tmp_path / 'poor.csv', 'a,c' + chr(10) + '1,2')}", like=seen.columns)
    texts = _write(tmp_path / "texts.csv", "remark,stars\nfine film,5\nbad film,1\ngood,5")
    assert open_pool(f"csv:{texts}", like=("text",)).columns == ("remark",)


def test_a_column_has_one_role(tmp_path) -> None:
    file = _write(tmp_path / "a.csv", "text,label\none,x\ntwo,y")
    with pytest.raises(UsageError, match="column 'text' was named twice"):
        open_pool(f"csv:{file}", text="text", label="text")


def test_a_csv_file_that_is_no_text_is_not_printed(tmp_path) -> None:
    (tmp_path / "a.csv").write_bytes(b"a,b\n\xff\xfe\x00\xd8,1\n\xff\n")
    with pytest.raises(DataError) as found:
        open_pool(f"csv:{tmp_path / 'a.csv'}")
    assert str(found.value).isprintable()


def test_cut_parquet(tmp_path) -> None:
    pq.write_table(pa.table({"text": ["a", "b"], "label": [1, 2]}), tmp_path / "a.parquet")
    (tmp_path / "a.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-30])
    with pytest.raises(DataError, match="damaged or cut short"):
        open_pool(f"parquet:{tmp_path / 'a.parquet'}")


def test_conll_forms(tmp_path) -> None:
    _write(tmp_path / "train.txt", "-DOCSTART- -X- O\n\nEU NNP B-ORG\nrejects VBZ O\n\nPeter NNP B-PER\n")
    _write(tmp_path / "dev.txt", "\ufeffhi X O\n")
    _write(tmp_path / "test.txt", "bye X O\r\n\r\nNew X B-LOC\r\nYork X I-LOC\r\n")
    pool = open_pool(f"conll:{tmp_path}")
    assert [pool[row] for row in range(5)] == [["EU", "rejects"], ["Peter"], ["hi"], ["bye"], ["New", "York"]]
    assert pool.truth([0, 4]) == [["B-ORG", "O"], ["B-LOC", "I-LOC"]]
    pool = open_pool("conll:" + _write(tmp_path / "ud.conll", "# id = 1\n#\tO\nRome\tB-loc\n\nplain\tO\n"))
    assert pool[0] == ["#", "Rome"]


def test_hugging_face_data_on_disk(tmp_path) -> None:
    import datasets

    names = datasets.ClassLabel(names=["neg", "pos"])
    features = datasets.Features({"text": datasets.Value("string"), "label": names})

    def part(texts, labels):
        return datasets.Dataset.from_dict({"text": texts, "label": labels}, features=features)

    loaded = datasets.DatasetDict(
        {"test": part(["e"], [0]), "train": part(["a", "b"], [1, 0]), "more": part(["c"], [-1])}
    )
    loaded.save_to_disk(tmp_path / "set")
    pool = open_pool(f"hf:{tmp_path / 'set'}")
    assert (pool.keys(), pool.truth([0, 1])) == (["train/0", "train/1", "test/0"], ["pos", "neg"])
    assert "splits that are not used: more" in pool.notes
    part([*"abcdefghij"], [0, 1] * 5).select(range(9, -1, -1)).save_to_disk(tmp_path / "one")
    pool = open_pool(f"hf:{tmp_path / 'one'}")
    assert (pool[0], pool.truth([0]), len(pool.rows("test"))) == ("j", ["pos"], 2)
    (tmp_path / "no").mkdir()
    with pytest.raises(DataError, match="no data set that save_to_disk wrote"):
        open_pool(f"hf:{tmp_path / 'no'}")


# real data


def test_fashion_mnist_opens_fast(data_dir) -> None:
    start = time.process_time()
    pool = open_pool(f"npz:{data_dir / 'fashion_mnist' / 'fashion_mnist.npz'}")
    assert time.process_time() - start < 2
    assert (len(pool.rows()), len(pool.rows("test")), pool[0].shape) == (60000, 10000, (28, 28))
    assert pool.truth([0]) == ["9"]


def test_pneumonia_has_all_three_splits(data_dir) -> None:
    pool = open_pool(f"npz:{data_dir / 'pneumonia_mnist' / 'pneumoniamnist.npz'}")
    assert [len(pool.rows(split)) for split in ("train", "validation", "test")] == [3882, 524, 624]


def test_ag_news(data_dir) -> None:
    pool = open_pool(f"parquet:{data_dir / 'ag_news'}", text="text", label="label")
    assert repr(pool) == "<Pool ag_news: text, 9977 train, 0 validation, 7600 test>"
    assert pool.suggest_task() == ("classification", ("0", "1", "2", "3"))
    assert pool.notes == ["columns that are not used: label_name"]


def test_trec_overlap_is_reported(data_dir) -> None:
    notes = open_pool(f"parquet:{data_dir / 'trec6'}").notes
    assert "10 of 500 test rows also occur in train; the split is kept as given" in notes


def test_yacht(data_dir) -> None:
    pool = open_pool(f"parquet:{data_dir / 'uci_regression' / 'yacht.parquet'}")
    assert (pool.modality, pool[0].shape, pool.suggest_task()) == ("table", (6,), ("regression", ()))
    assert (len(pool.rows()), len(pool.rows("test"))) == (277, 31)
    with pytest.raises(DataError, match="are no parts of one table"):
        open_pool(f"parquet:{data_dir / 'uci_regression'}")


def test_sms_spam(data_dir) -> None:
    pool = open_pool(f"parquet:{data_dir / 'sms_spam' / 'sms_spam.parquet'}", label="label_name")
    assert (len(pool.rows()), pool.suggest_task()[1]) == (4160, ("ham", "spam"))


def test_wnut(data_dir) -> None:
    pool = open_pool(f"conll:{data_dir / 'wnut17'}")
    assert [len(pool.rows(split)) for split in ("train", "validation", "test")] == [3394, 1009, 1287]
    kind, tags = pool.suggest_task()
    assert (kind, len(tags)) == ("tokens", 13)
    assert sum(map(len, pool.payloads(pool.rows("test")))) == 23394


def test_cifar_images_in_a_table(data_dir) -> None:
    pool = open_pool(f"parquet:{data_dir / 'cifar10' / 'test.parquet'}")
    assert pool.payloads(pool.rows("test")[:8]).shape == (8, 32, 32, 3)
    assert len(pool.rows("test")) == 2000
