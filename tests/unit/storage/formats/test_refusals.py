"""What a format cannot hold is refused before anything is written; what cannot be read is named with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from querist.core.errors import DataError, QueristError, UsageError
from querist.core.labels import KINDS
from querist.storage.formats import registry
from querist.storage.formats.base import LabelRecord
from querist.storage.formats.capabilities import guessed, spelled, table
from querist.storage.labels_file import export_labels, import_labels

BOX = {"x": 10, "y": 20, "w": 30, "h": 40, "label": "cat"}
RING = [[0, 0], [5, 0], [5, 5]]


def picture(*boxes: Any) -> dict[str, Any]:
    return {"width": 100, "height": 80, "boxes": list(boxes)}


def regions(*found: Any) -> dict[str, Any]:
    return {"width": 10, "height": 10, "regions": list(found)}


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name in registry for kind in KINDS if kind not in registry[name].holds]
)
def test_every_pair_outside_the_table_is_refused(name: str, kind: str, tmp_path: Path) -> None:
    def unread() -> Any:
        raise AssertionError("no record may be looked at")
        yield

    able = [spelled(one) for one in registry if kind in registry[one].holds]
    for act in (
        lambda: export_labels(unread(), tmp_path / "x", format=spelled(name), kind=kind),
        lambda: import_labels(tmp_path / "nothing", format=name, kind=kind),
    ):
        with pytest.raises(UsageError) as caught:
            act()
        assert f"cannot hold {kind} labels; these can: {', '.join(able)}" in str(caught.value)
    assert not list(tmp_path.iterdir())


MASK = {"counts": [50, 50], "label": "a"}
PARTS = {"points": RING, "also": [RING], "label": "a"}
OVERLAP = [{"start": 0, "end": 3, "label": "a"}, {"start": 2, "end": 4, "label": "b"}]


@pytest.mark.parametrize(
    ("name", "kind", "label", "message"),
    [
        ("yolo", "segmentation", regions(MASK), "row 8 has masks, which yolo cannot hold; these can: coco, csv, jsonl"),
        (
            "label-studio",
            "segmentation",
            regions(PARTS),
            "has outlines in several parts, which label-studio cannot hold",
        ),
        (
            "conll",
            "spans",
            OVERLAP,
            "has spans that overlap, which conll cannot hold; these can: csv, jsonl, label-studio",
        ),
        (
            "conll",
            "spans",
            [{"start": 0, "end": 4, "label": "a"}],
            "row 8: the span 'abc ' begins or ends with a space",
        ),
        (
            "conll",
            "spans",
            [{"start": 4, "end": 9, "label": "a"}],
            "row 8: a span ends at 9, the text has 5 characters",
        ),
        (
            "conll",
            "spans",
            [{"start": 0, "end": 1, "label": "a\tb"}],
            "row 8: the tag 'B-a\\tb' cannot stand on a line",
        ),
        ("conll", "tokens", ["O"], "row 8: its tokens are not known"),
        ("voc", "boxes", picture({**BOX, "label": "a\x01"}), "the class 'a\\x01' has signs that XML loses"),
        ("voc", "boxes", picture({**BOX, "label": " a"}), "the class ' a' has signs that XML loses"),
        ("coco", "boxes", picture({**BOX, "x": 99}), "row 8: box 1: the right edge is 129, outside"),
    ],
)
def test_a_label_that_a_format_cannot_hold_leaves_nothing(
    name: str, kind: str, label: Any, message: str, tmp_path: Path
) -> None:
    good = {"boxes": picture(BOX), "segmentation": regions(), "spans": [], "tokens": []}[kind]
    payload = "abc d" if kind == "spans" else None
    records = [
        LabelRecord(row=7, key="a.jpg", label=good, payload=[] if kind == "tokens" else payload),
        LabelRecord(row=8, key="b.jpg", label=label, payload=payload),
    ]
    with pytest.raises(QueristError) as caught:
        export_labels(records, tmp_path / "out", format=name, kind=kind)
    assert message in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["yolo", "voc"])
@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (["../a.jpg"], "'../a.jpg' is no path below a folder"),
        (["/etc/a.jpg"], "is no path below a folder"),
        (["a//b.jpg"], "is no path below a folder"),
        ([""], "'' is no path below a folder"),
        (["a"], "'a' has no ending such as .jpg"),
        (["a\n.jpg"], "has a sign that ends a line"),
        (["a\u2028.jpg"], "has a sign that ends a line"),
        (["b/a.jpg", "b/a.png"], "the labels of 'b/a.jpg' and 'b/a.png' would be one file, a."),
        (["b/a.jpg", "b/a.jpg"], "would be one file"),
    ],
)
def test_keys_that_are_no_files_are_refused(name: str, keys: list[str], message: str, tmp_path: Path) -> None:
    records = [LabelRecord(row=row, key=key, label=picture(BOX)) for row, key in enumerate(keys)]
    with pytest.raises(DataError) as caught:
        export_labels(records, tmp_path / "out", format=name, kind="boxes")
    assert message in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["yolo", "voc"])
def test_a_folder_with_something_in_it_is_left_alone(name: str, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    export_labels([LabelRecord(key="a.jpg", label=picture(BOX))], tmp_path / "out", format=name, kind="boxes")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError, match="out is there already; name another folder"):
        export_labels([], tmp_path / "out", format=name, kind="boxes")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_row_that_comes_twice_is_refused(tmp_path: Path) -> None:
    records = [LabelRecord(row=3, label=picture()), LabelRecord(row=3, label=picture())]
    with pytest.raises(DataError, match="row 3 comes twice"):
        export_labels(records, tmp_path / "x.json", format="coco", kind="boxes")
    assert not list(tmp_path.iterdir())


COCO: dict[str, Any] = {
    "images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 80}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 20, 30, 40]}],
    "categories": [{"id": 1, "name": "cat"}],
}


def coco(**changes: Any) -> str:
    thing = {**COCO["annotations"][0], **changes}
    return json.dumps({**COCO, "annotations": [{**COCO["annotations"][0], "id": 7}, thing]})


def ls(value: Any, **changes: Any) -> str:
    result = {"type": "rectanglelabels", "original_width": 100, "original_height": 80, "value": value, **changes}
    task = {"data": {"image": "a.jpg"}, "annotations": [{"result": [result]}]}
    return json.dumps([{"data": {"key": "z"}, "annotations": []}, task])


PERCENT = {"x": 10, "y": 10, "width": 20, "height": 20, "rectanglelabels": ["cat"]}


@pytest.mark.parametrize(
    ("name", "kind", "text", "message"),
    [
        ("coco", "boxes", json.dumps(COCO)[:-30], "x line 1 is no JSON: "),
        ("coco", "boxes", '{"images": [],\n"annotations"', "x line 2 is no JSON: .*the file breaks off"),
        ("coco", "boxes", "[]", "x has no list images"),
        ("coco", "boxes", '{"images": NaN}', "x is no JSON: NaN is no number"),
        ("coco", "boxes", "[" * 100_000, "x is no JSON"),
        ("coco", "boxes", coco(category_id=9), r"x annotation 1: there is no category 9; known: 1 \(cat\)"),
        ("coco", "boxes", coco(image_id=9), "x annotation 1: there is no image 9"),
        ("coco", "boxes", coco(id=7), "x: two of annotations have the id 7"),
        ("coco", "boxes", coco(bbox=[90, 20, 30, 40]), r"x image 1 \(a.jpg\): box 2: the right edge is 120, outside"),
        ("coco", "boxes", coco(bbox=[1, 2, 3]), r"x annotation 1: bbox is \[1, 2, 3\]"),
        ("coco", "boxes", json.dumps({**COCO, "images": COCO["images"] * 2}), "x: two of images have the id 1"),
        ("coco", "boxes", json.dumps({**COCO, "images": [{"id": 1, "file_name": "a.jpg"}]}), "width is None"),
        ("coco", "segmentation", coco(), "x annotation 7: it has no outline; import it as boxes"),
        ("coco", "segmentation", coco(id=5, segmentation=[[1, 2, 3]]), "annotation 7: it has no outline"),
        ("label-studio", "boxes", "{}", "x is no list of tasks"),
        ("label-studio", "boxes", ls(PERCENT)[:-20], "x line 1 is no JSON"),
        ("label-studio", "boxes", ls({**PERCENT, "x": 90}), "x task 2: box 1: the right edge is 110"),
        ("label-studio", "boxes", ls({**PERCENT, "rotation": 30}), "x task 2: it is turned"),
        ("label-studio", "boxes", ls({**PERCENT, "x": None}), "x task 2: a region has no place"),
        ("label-studio", "boxes", ls({**PERCENT, "rectanglelabels": []}), "x task 2: it has 0 labels of one region"),
        (
            "label-studio",
            "boxes",
            ls(PERCENT, type="brushlabels"),
            "x task 2: it has no rectanglelabels, but brushlabels",
        ),
        ("label-studio", "boxes", ls(PERCENT, original_width=None), "x task 2: the picture's width is None"),
        ("label-studio", "classification", ls(PERCENT), "x task 2: it has no choices, but rectanglelabels"),
        ("label-studio", "boxes", '[{"data": {"image": "a"}, "annotations": [{"result": []}]}]', "task 1: the size of"),
        ("conll", "tokens", "a\tO\nb\n", "x line 2 has no tag"),
        ("conll", "tokens", '-DOCSTART- {"key": "a', "x line 1 is no JSON behind -DOCSTART-"),
        ("conll", "tokens", '-DOCSTART- {"row": -1}\n\na\tO\n', "x line 1: row is -1"),
        ("conll", "spans", "a\tO\nb\tNN\n", "x line 2: the tag is 'NN'; write O, B-class or I-class"),
        (
            "conll",
            "spans",
            '-DOCSTART- {"key": "a", "text": "ab"}\n\nb\tO\na\tO\n',
            "x line 4: 'a' is not in the row's text",
        ),
    ],
)
def test_bad_files_are_named_with_the_place(name: str, kind: str, text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text(text)
    with pytest.raises(DataError, match=message):
        import_labels(tmp_path / "x", format=name, kind=kind)


YOLO = {
    "data.yaml": "names: [cat, dog]\n",
    "rows.csv": "row,key,split,annotators,round,reason,width,height\r\n3,a.jpg,,[],,,100,80\r\n",
}
OUTLINE = "0 0 0 1 0 1 1\n"


def filled(folder: Path, files: dict[str, str | None]) -> Path:
    for file, text in files.items():
        if text is not None:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text, newline="")
    return folder


@pytest.mark.parametrize(
    ("kind", "files", "message"),
    [
        ("boxes", {"labels/a.txt": "0 .5 .5 1 1\n2 .5 .5 1 1\n"}, "labels/a.txt line 2: there is no class '2'"),
        (
            "boxes",
            {"labels/a.txt": "-1 .5 .5 1 1\n"},
            "line 1: there is no class '-1'; the classes of data.yaml are 0 to 1",
        ),
        ("boxes", {"labels/a.txt": "0 .5 .5 1\n"}, "labels/a.txt line 1 has 3 numbers behind the class; a box has 4"),
        ("boxes", {"labels/a.txt": "0 .5 .5 1 1 .9\n"}, "line 1 has 5 numbers"),
        ("boxes", {"labels/a.txt": "0 .5 .5 1 x\n"}, "line 1 has what is no number"),
        ("boxes", {"labels/a.txt": "0 .5 .5 1.1 1\n"}, "line 1 is outside the picture"),
        ("boxes", {"labels/a.txt": "0 nan .5 1 1\n"}, "line 1 is outside the picture"),
        ("boxes", {"labels/a.txt": "0 .5 .5 0 1\n"}, "labels/a.txt line 1: a box is 0 by 80 pixels"),
        ("boxes", {"labels/a.txt": OUTLINE}, "line 1 has 6 numbers behind the class"),
        ("boxes", {"labels/a.txt": None}, "labels/a.txt cannot be read: No such file"),
        (
            "boxes",
            {"labels/a.txt": "", "labels/b.txt": OUTLINE},
            "labels/b.txt: there is no picture of that name in images",
        ),
        ("boxes", {"labels/a.txt": "", "data.yaml": None}, "has no data.yaml"),
        ("boxes", {"labels/a.txt": "", "data.yaml": "names: {0: a"}, "data.yaml is no YAML"),
        ("boxes", {"labels/a.txt": "", "data.yaml": "names: {1: a}"}, "data.yaml has no list of names"),
        ("boxes", {"labels/a.txt": "", "data.yaml": "!!python/object/apply:os.getpid []"}, "data.yaml is no YAML"),
        ("boxes", {"rows.csv": "key\r\na.jpg\r\n"}, "rows.csv has another header"),
        (
            "boxes",
            {"rows.csv": YOLO["rows.csv"] + "4,a.jpg,,[],,,1,1\r\n", "labels/a.txt": ""},
            "line 3: the key 'a.jpg' comes twice",
        ),
        ("boxes", {"rows.csv": YOLO["rows.csv"] + "4,b.jp", "labels/a.txt": ""}, "rows.csv line 3 has 2 cells"),
        (
            "boxes",
            {"rows.csv": YOLO["rows.csv"].replace("a.jpg", "../../a.jpg")},
            "line 2: the key '../../a.jpg' is no path",
        ),
        (
            "boxes",
            {"rows.csv": YOLO["rows.csv"].replace("100", "wide")},
            "line 2: the size of the picture is no number",
        ),
        ("segmentation", {"labels/a.txt": "0 .5 .5 1 1\n"}, "line 1 has 4 numbers behind the class; an outline has"),
        ("segmentation", {"labels/a.txt": "0 0 0 1 0 1 2\n"}, "line 1 is outside the picture"),
    ],
)
def test_bad_yolo_folders_are_named_with_the_place(
    kind: str, files: dict[str, str | None], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as caught:
        import_labels(filled(tmp_path, {**YOLO, **files}), format="yolo", kind=kind)
    assert message in str(caught.value)


def voc(*objects: str, size: str = "<size><width>100</width><height>80</height></size>") -> str:
    things = "".join(f"<object><name>cat</name>\n<bndbox>{one}</bndbox></object>" for one in objects)
    return f"<annotation><filename>a.jpg</filename>{size}{things}</annotation>"


CORNERS = "<xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax>"
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 30))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (voc(CORNERS)[:-20], "Annotations/a.xml line 2 is no XML: "),
        ("", "a.xml line 1 is no XML: no element found"),
        ("<a/>", "a.xml: it is about 'a'"),
        (voc(CORNERS, CORNERS.replace("30", "130")), "a.xml: box 2: the right edge is 130, outside"),
        (voc(CORNERS.replace("30", "1")), "a.xml: object 1: a box is 0 by 38 pixels"),
        (voc(CORNERS.replace("30", "x")), "a.xml: object 1: xmax is 'x'"),
        (voc("<xmin>1</xmin>"), "a.xml: object 1: ymin is None"),
        (voc(CORNERS).replace("cat", " "), "a.xml: object 1: the class of a box is ''"),
        (voc(CORNERS, size=""), "a.xml: width is None"),
        (voc(CORNERS).replace("100", "0"), "a.xml: the picture's width is 0"),
        (
            f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]><annotation>&l29;</annotation>',
            "a.xml: it declares a document type",
        ),
        (
            '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><annotation><filename>&e;</filename></annotation>',
            "a.xml: it declares a document type; remove the DOCTYPE",
        ),
        ("<annotation>&unknown;</annotation>", "line 1 is no XML: undefined entity"),
        ('<?xml version="1.0" encoding="strange"?><annotation/>', "is no XML: unknown encoding"),
    ],
)
def test_bad_voc_files_are_named_with_the_place(text: str, message: str, tmp_path: Path) -> None:
    filled(tmp_path, {"Annotations/a.xml": text})
    with pytest.raises(DataError) as caught:
        import_labels(tmp_path, format="voc", kind="boxes")
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["yolo", "voc"])
def test_a_file_in_the_place_of_a_folder_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(DataError, match=f"x is a file, and {name} is a folder"):
        import_labels(tmp_path / "x", format=name, kind="boxes")
    with pytest.raises(DataError, match="y is not there"):
        import_labels(tmp_path / "y", format=name, kind="boxes")


def test_what_is_guessed_and_what_is_not(tmp_path: Path) -> None:
    for name, text in (("c.json", ' {"images"'), ("l.json", "\ufeff[\n"), ("e.json", "")):
        (tmp_path / name).write_text(text)
    assert (guessed(tmp_path / "c.json"), guessed(tmp_path / "l.json")) == ("coco", "label-studio")
    with pytest.raises(UsageError, match=r"e.json may be coco or label-studio; say which with --format"):
        guessed(tmp_path / "e.json")
    assert guessed(filled(tmp_path / "y", YOLO)) == "yolo"
    assert guessed(filled(tmp_path / "v", {"Annotations/a.xml": ""})) == "voc"
    with pytest.raises(UsageError, match="holds no labels that can be told"):
        guessed(filled(tmp_path / "p", {"a.jpg": ""}))


def test_the_table_says_what_the_code_does() -> None:
    lines = table().splitlines()
    for name in registry:
        (line,) = [line for line in lines if line.startswith(f"| `{spelled(name)}` |")]
        marks = [cell.strip() == "yes" for cell in line.split("|")[2:-1]]
        assert dict(zip(KINDS, marks, strict=True)) == {kind: kind in registry[name].holds for kind in KINDS}
    assert "- `yolo`: Without masks and outlines in several parts." in table()
