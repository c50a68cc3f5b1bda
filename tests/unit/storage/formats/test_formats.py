from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from querist.core.errors import DataError, NotDurable, UnknownName, UsageError
from querist.storage.formats import registry
from querist.storage.formats.base import LabelRecord
from querist.storage.formats.csv import Csv
from querist.storage.journal import Journal, Pick
from querist.storage.labels_file import export_labels, import_labels, label_events, label_records

FORMATS = ["csv", "jsonl", "parquet"]
"""Those that hold every kind; the others have files of their own."""
text = st.text(max_size=8)
names = st.lists(text, max_size=4)
LABELS = {
    "classification": st.text(min_size=1, max_size=8),
    "multilabel": names,
    "regression": st.floats(allow_nan=False, allow_infinity=False),
    "tokens": names,
}


def records_of(kind: str) -> st.SearchStrategy[list[LabelRecord]]:
    number = st.integers(0, 2**62)
    return st.lists(
        st.builds(
            LabelRecord,
            label=LABELS[kind],
            row=number,
            key=text,
            split=text,
            annotators=names.map(tuple),
            round=st.none() | number,
            reason=text,
        ),
        max_size=5,
    )


def test_the_folder_is_the_registry() -> None:
    assert set(FORMATS) <= set(registry)
    assert all(registry[name].holds for name in registry)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kind", LABELS)
def test_what_is_exported_comes_back_and_exports_to_the_same_bytes(
    name: str, kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("out")

    @settings(max_examples=25, deadline=None)
    @given(records_of(kind))
    def check(records: list[LabelRecord]) -> None:
        first, second = folder / "first", folder / "second"
        assert export_labels(records, first, format=name, kind=kind) == len(records)
        back = import_labels(first, format=name, kind=kind)
        assert back == records
        export_labels(back, second, format=name, kind=kind)
        assert second.read_bytes() == first.read_bytes()

    check()


@pytest.mark.parametrize("name", FORMATS)
def test_long_exports_stream_in_order(name: str, tmp_path: Path) -> None:
    count = 20_000
    asked = 0

    def records() -> Any:
        nonlocal asked
        for row in range(count):
            asked += 1
            yield LabelRecord(row=row, label=f"class {row % 7}")

    export_labels(records(), tmp_path / "labels", format=name, kind="classification")
    back = import_labels(tmp_path / "labels", format=name, kind="classification")
    assert asked == count
    assert [record.row for record in back] == list(range(count))


@pytest.mark.parametrize("name", FORMATS)
def test_a_long_document_keeps_its_tags(name: str, tmp_path: Path) -> None:
    records = [LabelRecord(row=0, label=["B-location", "O"] * 20_000)]
    export_labels(records, tmp_path / "tags", format=name, kind="tokens")
    assert import_labels(tmp_path / "tags", format=name, kind="tokens") == records


def test_a_spreadsheet_s_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes("\ufeffkey,comment,label\r\nü.png,hm,Käse\r\n\r\n".encode())
    [record] = import_labels(path, format="csv", kind="classification")
    assert (record.key, record.row, record.label, record.place) == ("ü.png", None, "Käse", "labels.csv line 2")


@pytest.mark.parametrize(
    ("name", "kind", "content", "message"),
    [
        ("csv", "classification", "", "labels line 1 has the columns none"),
        ("csv", "classification", "name,label\na,b\n", "has the columns name, label"),
        ("csv", "classification", 'key,label\n"a\n\nb",cat\nc,\n', "labels line 5: there is no label"),
        ("csv", "classification", "key,label\na,b,c\n", "line 2 has 3 cells"),
        ("csv", "classification", "key,label\n,cat\n", "line 2 names no row"),
        ("csv", "classification", "row,label\n-1,cat\n", "line 2: row is '-1'"),
        ("csv", "classification", "row,label\n1.5,cat\n", "line 2: row is '1.5'"),
        ("csv", "classification", 'key,label\na,"b"c\n', "line 2"),
        ("csv", "multilabel", "key,label\na,cat\n", "line 2: label is 'cat'"),
        ("csv", "multilabel", 'key,label\na,"[1]"\n', "line 2: the label is"),
        ("csv", "regression", "key,label\na,NaN\n", "line 2: the label is nan; give a finite number"),
        ("csv", "regression", "key,label\na,1\nb,one\n", "line 3: label is 'one'"),
        ("jsonl", "classification", '{"key": "a", "label": "b"}\n{"key"\n', "line 2 is no JSON"),
        ("jsonl", "classification", "[1]\n", "line 1 is no object"),
        ("jsonl", "classification", '{"key": "a", "label": 1.5}\n', "line 1: the label is 1.5"),
        ("jsonl", "tokens", '{"key": "a", "label": "O"}\n', "line 1: the label is 'O'; give a list"),
        ("jsonl", "tokens", '{"key": "a", "label": ["O"], "annotators": "ann"}\n', "line 1: annotators are 'ann'"),
        ("parquet", "classification", "no parquet at all", "is no whole parquet file"),
    ],
)
def test_bad_files_are_named_with_the_line(name: str, kind: str, content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "labels"
    path.write_text(content, newline="")
    with pytest.raises(DataError) as caught:
        import_labels(path, format=name, kind=kind)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_and_undecodable_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: No such file"):
        import_labels(tmp_path / "none.csv", format="csv", kind="classification")
    path = tmp_path / "latin.csv"
    path.write_bytes("key,label\na,Käse\n".encode("latin-1"))
    with pytest.raises(DataError, match="is not UTF-8"):
        import_labels(path, format="csv", kind="classification")


def test_a_format_that_cannot_hold_the_labels_says_which_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Csv, "holds", frozenset({"regression"}))
    with pytest.raises(UsageError, match=r"csv cannot hold tokens labels; these can: .*jsonl, "):
        export_labels([], tmp_path / "x", format="csv", kind="tokens")
    with pytest.raises(UnknownName, match="did you mean 'parquet'"):
        export_labels([], tmp_path / "x", format="parket", kind="tokens")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("label", ["", None, 1.5, "\ud800"])
def test_a_label_that_is_none_leaves_no_file(name: str, label: Any, tmp_path: Path) -> None:
    records = [LabelRecord(row=1, label="cat"), LabelRecord(row=2, label=label)]
    with pytest.raises(DataError):
        export_labels(records, tmp_path / "labels", format=name, kind="classification")
    assert not list(tmp_path.iterdir())


FULL_DISK = """
import resource, sys
from querist.core.errors import NotDurable
from querist.storage.formats.base import LabelRecord
from querist.storage.labels_file import export_labels
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
records = [LabelRecord(row=row, label=f"{row * 7919:x}" * 3) for row in range(5_000)]
for name in sys.argv[2:]:
    try:
        export_labels(records, f"{sys.argv[1]}/labels.{name}", format=name, kind="classification")
    except NotDurable as error:
        print(name, error)
"""


def test_a_full_disk_leaves_no_part_and_keeps_what_was_there(tmp_path: Path) -> None:
    before = tmp_path / "labels.csv"
    before.write_text("what was there")
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path), *FORMATS], capture_output=True, text=True, check=True
    )
    assert [line.split()[0] for line in done.stdout.splitlines()] == FORMATS, done.stderr
    assert list(tmp_path.iterdir()) == [before]
    assert before.read_text() == "what was there"


def test_a_missing_folder_is_not_durable(tmp_path: Path) -> None:
    with pytest.raises(NotDurable, match="cannot be written: No such file or directory"):
        export_labels([], tmp_path / "no" / "labels.csv", format="csv", kind="classification")


KEYS = {"a.png": 0, "b.png": 1, "c.png": 2}


def imported(*records: LabelRecord, check: Callable[[Any], object] | None = None) -> list[Any]:
    return label_events(records, campaign="main", row_of=KEYS, rows={0, 1}, check=check)


def test_importing_twice_stores_once(tmp_path: Path) -> None:
    records = [LabelRecord(key="b.png", row=99, label=["x", "y"]), LabelRecord(row=0, label=[])]
    with Journal.open(tmp_path / "querist.db", create=True) as journal:
        journal.append(imported(*records))
        journal.append(imported(*reversed(records)))
        assert [(e.query.row, e.payload, e.annotator) for e in journal.events()] == [
            (1, ["x", "y"], "import"),
            (0, [], "import"),
        ]


def refuse_dogs(label: str) -> None:
    if label == "dog":
        raise DataError("no class is called 'dog'", hint="known: cat")


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([LabelRecord(key="z.png", label="cat", place="line 3")], "line 3: there is no row with the key 'z.png'"),
        ([LabelRecord(row=7, label="cat", place="line 3")], "line 3: there is no row with the id 7"),
        ([LabelRecord(key="c.png", label="cat", place="line 3")], "line 3: there is no row"),
        ([LabelRecord(row=0, label="dog", place="line 3")], "line 3: no class is called 'dog'; known: cat"),
        (
            [LabelRecord(row=0, label="cat", place="line 2"), LabelRecord(key="a.png", label="cow", place="line 3")],
            "line 2 and line 3 give row 0 two labels",
        ),
    ],
)
def test_imports_that_do_not_fit_are_named(records: list[LabelRecord], message: str) -> None:
    with pytest.raises(DataError) as caught:
        imported(LabelRecord(row=1, label="cat"), *records, check=refuse_dogs)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", FORMATS)
def test_labels_go_from_one_run_to_another(name: str, tmp_path: Path) -> None:
    labels = [(2, ["O", "B-loc"], ["ann", "bob"]), (0, ["O"], ["oracle"])]
    with Journal.open(tmp_path / "one.db", create=True) as journal:
        journal.ask("main", 0, [Pick(row=2, reason="first", order=0)])
        journal.ask("main", 1, [Pick(row=0, reason="unsure", order=0), Pick(row=2, reason="again", order=1)])
        records = list(label_records(journal, "main", labels, key="row{}".format, split=lambda row: "train"))
    assert [(r.row, r.key, r.round, r.reason, r.annotators) for r in records] == [
        (0, "row0", 1, "unsure", ("oracle",)),
        (2, "row2", 0, "first", ("ann", "bob")),
    ]
    export_labels(records, tmp_path / "labels", format=name, kind="tokens")
    back = import_labels(tmp_path / "labels", format=name, kind="tokens")
    events = label_events(back, campaign="main", row_of={"row0": 10, "row2": 12}, rows=range(20))
    with Journal.open(tmp_path / "two.db", create=True) as journal:
        journal.append(events)
        assert {e.query.row: e.payload for e in journal.events()} == {10: ["O"], 12: ["O", "B-loc"]}


def test_jsonl_is_what_it_says(tmp_path: Path) -> None:
    export_labels([LabelRecord(row=1, label="Käse")], tmp_path / "x", format="jsonl", kind="classification")
    assert "Käse" in (tmp_path / "x").read_text("utf-8")
    assert json.loads((tmp_path / "x").read_text("utf-8"))["annotators"] == []
