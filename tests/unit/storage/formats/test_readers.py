"""Other programs read what is exported, and what other programs write is read: on real data where there are any."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from querist.core.errors import DataError
from querist.core.labels import Box, Boxes, Mask, Polygon, Regions
from querist.storage.formats.base import LabelRecord
from querist.storage.formats.coco import unpacked
from querist.storage.labels_file import export_labels, import_labels

# pycocotools was built for an older numpy.
OLD_NUMPY = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def cells(data_dir: Path) -> list[LabelRecord]:
    """The boxes of 364 pictures of blood cells."""
    pictures: dict[str, list[Any]] = {}
    for one in pq.read_table(data_dir / "bccd" / "annotations.parquet").to_pylist():
        pictures.setdefault(one["image"], []).append(one)
    records = []
    for row, (name, found) in enumerate(sorted(pictures.items())):
        boxes = [
            Box.between(*(one[side] for side in ("xmin", "ymin", "xmax", "ymax")), label=one["label"]) for one in found
        ]
        label = Boxes(width=found[0]["width"], height=found[0]["height"], boxes=tuple(boxes))
        split = {"val": "validation"}.get(found[0]["split"], found[0]["split"])
        records.append(LabelRecord(row=row, key=name, split=split, label=label.to_plain()))
    return records


@pytest.fixture(scope="module")
def streets(data_dir: Path) -> list[tuple[LabelRecord, np.ndarray]]:
    """Masks of ten street scenes, each with the picture of classes that it was made from."""
    table = pq.read_table(data_dir / "camvid" / "val.parquet").slice(0, 10).to_pylist()
    found = []
    for row, one in enumerate(table):
        grid = np.asarray(Image.open(io.BytesIO(one["mask_png"])))
        regions = []
        for number in np.unique(grid).tolist():
            down = (grid == number).flatten(order="F")
            edges = np.flatnonzero(np.diff(down, prepend=False, append=False))
            counts = np.diff(edges, prepend=0, append=len(down)).tolist()
            regions.append(Mask(counts=tuple(counts), label=f"class {number}"))
        label = Regions(width=grid.shape[1], height=grid.shape[0], regions=tuple(regions)).to_plain()
        found.append((LabelRecord(row=row, key=one["image"], label=label), grid))
    return found


def test_pycocotools_reads_our_boxes(cells: list[LabelRecord], tmp_path: Path, capsys: Any) -> None:
    from pycocotools.coco import COCO

    export_labels(cells, tmp_path / "cells.json", format="coco", kind="boxes", classes=["RBC", "WBC", "Platelets"])
    coco = COCO(str(tmp_path / "cells.json"))
    capsys.readouterr()  # it prints as it reads
    assert len(coco.getAnnIds()) == sum(len(record.label["boxes"]) for record in cells) == 4886
    assert [one["name"] for one in coco.loadCats(coco.getCatIds())] == ["RBC", "WBC", "Platelets"]
    names = {one["id"]: one["name"] for one in coco.loadCats(coco.getCatIds())}
    for record in cells:
        (picture,) = coco.loadImgs([record.row])
        assert (picture["file_name"], picture["width"]) == (record.key, record.label["width"])
        things = coco.loadAnns(coco.getAnnIds(imgIds=[record.row]))
        ours = [([box[side] for side in "xywh"], box["label"]) for box in record.label["boxes"]]
        assert [(one["bbox"], names[one["category_id"]]) for one in things] == ours


@OLD_NUMPY
def test_pycocotools_sees_the_same_pixels(
    streets: list[tuple[LabelRecord, np.ndarray]], tmp_path: Path, capsys: Any
) -> None:
    from pycocotools import mask as tools
    from pycocotools.coco import COCO

    export_labels([record for record, _ in streets], tmp_path / "s.json", format="coco", kind="segmentation")
    coco = COCO(str(tmp_path / "s.json"))
    capsys.readouterr()
    names = {one["id"]: one["name"] for one in coco.loadCats(coco.getCatIds())}
    for record, grid in streets:
        things = coco.loadAnns(coco.getAnnIds(imgIds=[record.row]))
        assert len(things) == len(np.unique(grid))
        for one in things:
            inside = grid == int(names[one["category_id"]].split()[1])
            assert np.array_equal(coco.annToMask(one).astype(bool), inside)
            packed = coco.annToRLE(one)
            assert one["area"] == tools.area(packed)
            assert one["bbox"] == tools.toBbox(packed).tolist()
            assert unpacked(packed["counts"].decode()) == one["segmentation"]["counts"]
    whole = json.loads((tmp_path / "s.json").read_text())
    for one in whole["annotations"]:
        one["segmentation"]["counts"] = coco.annToRLE(one)["counts"].decode()
    (tmp_path / "packed.json").write_text(json.dumps(whole))
    back = import_labels(tmp_path / "packed.json", format="coco", kind="segmentation")
    assert back == [record for record, _ in streets]


@OLD_NUMPY
def test_pycocotools_draws_our_outlines(tmp_path: Path, capsys: Any) -> None:
    from pycocotools.coco import COCO

    other = ((40.0, 40.0), (60.0, 40.0), (60.0, 50.0), (40.0, 50.0))
    shape = Polygon(points=((10, 10), (30, 10), (30, 20), (10, 20)), also=(other,), label="roof")
    label = Regions(width=100, height=60, regions=(shape,)).to_plain()
    export_labels([LabelRecord(row=0, label=label)], tmp_path / "x.json", format="coco", kind="segmentation")
    coco = COCO(str(tmp_path / "x.json"))
    capsys.readouterr()
    (thing,) = coco.loadAnns(coco.getAnnIds())
    assert thing["area"] == 400
    assert thing["bbox"] == [10, 10, 50, 40]
    drawn = coco.annToMask(thing)
    assert abs(int(drawn.sum()) - 400) <= 30  # a drawn edge may fall on either side
    assert (drawn[12:18, 12:28].all(), drawn[42:48, 42:58].all()) == (True, True)


def test_the_public_evaluation_finds_our_boxes_perfect(cells: list[LabelRecord], tmp_path: Path, capsys: Any) -> None:
    """Detections equal to the labels score 1: ids, sizes and areas are what the evaluation expects."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    export_labels(cells[:40], tmp_path / "cells.json", format="coco", kind="boxes")
    truth = COCO(str(tmp_path / "cells.json"))
    seen = [
        {name: one[name] for name in ("image_id", "category_id", "bbox")} | {"score": 0.9}
        for one in truth.loadAnns(truth.getAnnIds())
    ]
    judge = COCOeval(truth, truth.loadRes(seen), "bbox")
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    capsys.readouterr()
    assert judge.stats[0] == pytest.approx(1.0, abs=1e-6)


def read_yolo(folder: Path) -> dict[str, dict[str, list[tuple[str, list[float]]]]]:
    """As trainers read such a folder: the lists of ``data.yaml``, and for each picture the file beside it."""
    settings = yaml.safe_load((folder / "data.yaml").read_text(encoding="utf-8"))
    found: dict[str, dict[str, list[tuple[str, list[float]]]]] = {}
    for split in ("train", "val", "test"):
        if split not in settings:
            continue
        for line in (folder / settings[split]).read_text(encoding="utf-8").strip().splitlines():
            picture = str(folder / line.removeprefix("./"))
            labels = Path("/labels/".join(picture.rsplit("/images/", 1)).rsplit(".", 1)[0] + ".txt")
            rows = [row.split() for row in labels.read_text().strip().splitlines() if row]
            found.setdefault(split, {})[picture] = [
                (settings["names"][int(row[0])], [float(number) for number in row[1:]]) for row in rows
            ]
    return found


def test_a_trainer_s_reader_reads_our_yolo(cells: list[LabelRecord], tmp_path: Path) -> None:
    out = tmp_path / "cells"
    export_labels(cells, out, format="yolo", kind="boxes", classes=["RBC", "WBC", "Platelets"])
    found = read_yolo(out)
    assert {split: len(pictures) for split, pictures in found.items()} == {"train": 205, "val": 87, "test": 72}
    classes = Counter(name for pictures in found.values() for rows in pictures.values() for name, _ in rows)
    assert classes == {"RBC": 4153, "WBC": 372, "Platelets": 361}
    for record in cells:
        split = {"validation": "val"}.get(record.split, record.split)
        rows = found[split][str(out / "images" / record.key)]
        width, height = record.label["width"], record.label["height"]
        for (name, (x, y, w, h)), box in zip(rows, record.label["boxes"], strict=True):
            assert name == box["label"]
            assert max(x, y, w, h) <= 1
            assert (w * width, h * height) == (pytest.approx(box["w"]), pytest.approx(box["h"]))
            assert ((x - w / 2) * width, (y - h / 2) * height) == (
                pytest.approx(box["x"], abs=1e-6),
                pytest.approx(box["y"], abs=1e-6),
            )


def test_a_yolo_folder_from_elsewhere_is_read(tmp_path: Path) -> None:
    """No table of rows: the pictures say how large they are, and a picture on its side is measured upright."""
    for folder in ("images/train", "labels/train", "images/val", "labels/val"):
        (tmp_path / folder).mkdir(parents=True)
    Image.new("RGB", (200, 100)).save(tmp_path / "images/train/a.png")
    lying = Image.Exif()
    lying[0x0112] = 6
    Image.new("RGB", (200, 100)).save(tmp_path / "images/val/b.JPG", "JPEG", exif=lying)
    (tmp_path / "labels/train/a.txt").write_text("1 0.500000 0.500000 1.000000 0.333333\n")
    (tmp_path / "labels/val/b.txt").write_text("")
    (tmp_path / "labels/val/c.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    Image.new("RGB", (10, 20)).save(tmp_path / "images/val/c.webp")
    (tmp_path / "data.yaml").write_text("path: /somewhere\nnames:\n  - cat\n  - 7\n")
    a, b, c = import_labels(tmp_path, format="yolo", kind="boxes")
    assert (a.key, a.split, a.row, b.key, b.split) == ("train/a.png", "train", None, "val/b.JPG", "validation")
    assert a.label == {
        "width": 200,
        "height": 100,
        "boxes": [{"x": 0, "y": 33.333, "w": 200, "h": 33.333, "label": "7"}],
    }
    assert b.label == {"width": 100, "height": 200, "boxes": []}
    assert c.label["boxes"] == [{"x": 4.5, "y": 9, "w": 1, "h": 2, "label": "cat"}]


def test_a_voc_file_from_elsewhere_is_read(tmp_path: Path) -> None:
    text = """<?xml version="1.0"?>
    <annotation verified="yes"><folder>cells</folder><filename>b 1.jpg</filename>
      <source><database>none</database></source>
      <size><width>640</width><height>480</height><depth>3</depth></size>
      <object><name> RBC </name><part><name>edge</name><bndbox><xmin>1</xmin></bndbox></part>
        <bndbox><ymin>2.5</ymin><xmin>0</xmin><xmax>640</xmax><ymax>4</ymax></bndbox></object>
    </annotation>"""
    (tmp_path / "b 1.xml").write_text(text)
    (record,) = import_labels(tmp_path, format="voc", kind="boxes")
    assert (record.key, record.row) == ("b 1.jpg", None)
    assert record.label["boxes"] == [{"x": 0, "y": 2.5, "w": 640, "h": 1.5, "label": "RBC"}]


def test_plain_parsers_read_our_voc(cells: list[LabelRecord], tmp_path: Path) -> None:
    from xml.dom.minidom import parse

    export_labels(cells[:30], tmp_path / "cells", format="voc", kind="boxes")
    for record in cells[:30]:
        with (tmp_path / "cells" / "Annotations" / Path(record.key).with_suffix(".xml")).open("rb") as file:
            tree = parse(file)
        assert tree.getElementsByTagName("filename")[0].firstChild.data == record.key
        corners = [[one.firstChild.data for one in tree.getElementsByTagName(side)] for side in ("xmin", "ymax")]
        assert corners[0] == [str(box["x"]) for box in record.label["boxes"]]
        assert corners[1] == [str(box["y"] + box["h"]) for box in record.label["boxes"]]
    listed = (tmp_path / "cells" / "ImageSets" / "Main" / "val.txt").read_text().split()
    assert listed == [Path(record.key).stem for record in cells[:30] if record.split == "validation"]


def sentences(file: Path) -> tuple[list[list[str]], list[list[str]]]:
    """As readers of CoNLL-2003 read: lines that begin with ``-DOCSTART-`` and blank ones part sentences."""
    tokens: list[list[str]] = [[]]
    tags: list[list[str]] = [[]]
    for line in file.read_text(encoding="utf-8").split("\n"):
        if line.startswith("-DOCSTART-") or line == "":
            if tokens[-1]:
                tokens.append([])
                tags.append([])
        else:
            token, tag = line.split("\t")
            tokens[-1].append(token)
            tags[-1].append(tag)
    return tokens[:-1], tags[:-1]


def test_seqeval_scores_our_tags_as_those_they_came_from(data_dir: Path, tmp_path: Path) -> None:
    from seqeval.metrics import f1_score
    from seqeval.metrics.sequence_labeling import get_entities

    source = data_dir / "wnut17" / "dev.conll"
    told = import_labels(source, format="conll", kind="tokens")
    assert (len(told), sum(len(record.label) for record in told)) == (1009, 15733)
    assert told[1].key == "dev.conll/1"
    export_labels(told, tmp_path / "out.conll", format="conll", kind="tokens")
    tokens, tags = sentences(tmp_path / "out.conll")
    assert tokens == [list(record.payload or ()) for record in told]
    assert f1_score([record.label for record in told], tags) == 1.0
    assert len(get_entities(tags)) == 836


def test_entities_are_the_same_as_spans_and_as_tags(data_dir: Path, tmp_path: Path) -> None:
    """Real sentences as texts with spans: the tags that are made of them hold the entities that seqeval finds."""
    from seqeval.metrics.sequence_labeling import get_entities

    told = import_labels(data_dir / "wnut17" / "dev.conll", format="conll", kind="spans")
    assert sum(len(record.label) for record in told) == 836
    export_labels(told, tmp_path / "out.conll", format="conll", kind="spans")
    tokens, tags = sentences(tmp_path / "out.conll")
    entities = [
        (kind, words)
        for row, row_tags in zip(tokens, tags, strict=True)
        for kind, start, end in get_entities(row_tags)
        for words in ["".join(row[start : end + 1])]
    ]
    marked = [
        (span["label"], "".join(str(record.payload)[span["start"] : span["end"]].split()))
        for record in told
        for span in record.label
    ]
    assert entities == marked


@pytest.mark.parametrize("name", ["csv", "jsonl", "parquet"])
def test_datasets_loads_our_tables(name: str, cells: list[LabelRecord], tmp_path: Path) -> None:
    import datasets

    file = tmp_path / f"cells.{name}"
    export_labels(cells, file, format=name, kind="boxes")
    loaded = datasets.load_dataset(
        {"jsonl": "json"}.get(name, name), data_files=str(file), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert loaded.num_rows == len(cells)
    assert loaded["key"][:] == [record.key for record in cells]
    first = loaded[0]["label"]
    assert (json.loads(first) if name == "csv" else first) == cells[0].label


def test_label_studio_s_own_export_is_read(tmp_path: Path) -> None:
    """The form of its JSON export: ids, people and times beside the results, percents with all their digits."""
    box = {"x": 12.5, "y": 25.0, "width": 33.33333333333333, "height": 50.0, "rotation": 0, "rectanglelabels": ["cat"]}
    about = {"original_width": 600, "original_height": 400, "image_rotation": 0, "from_name": "boxes", "to_name": "img"}
    result = {**about, "id": "Dx_aB1", "type": "rectanglelabels", "origin": "manual", "value": box}
    link = {"from_id": "Dx_aB1", "to_id": "Dx_aB1", "type": "relation", "direction": "right"}
    drawn = {"id": 5, "completed_by": 1, "was_cancelled": False, "ground_truth": False, "result": [result, link]}
    skipped = {**drawn, "id": 6, "was_cancelled": True, "result": []}
    task = {
        "id": 11,
        "annotations": [drawn, skipped],
        "predictions": [],
        "data": {"image": "/data/local-files/?d=cells/a%20b.jpg"},
        "meta": {},
        "created_at": "2026-01-01T00:00:00Z",
    }
    unlabelled = {"id": 12, "annotations": [], "data": {"image": "b.jpg"}}
    (tmp_path / "ls.json").write_text(json.dumps([task, unlabelled]))
    (record,) = import_labels(tmp_path / "ls.json", format="label-studio", kind="boxes")
    assert record.key == "cells/a b.jpg"
    assert record.label == {
        "width": 600,
        "height": 400,
        "boxes": [{"x": 75, "y": 100, "w": 200, "h": 200, "label": "cat"}],
    }


@pytest.mark.parametrize(("start", "end"), [(2, 5), (3, 6)])
def test_label_studio_counts_characters_or_units(start: int, end: int, tmp_path: Path) -> None:
    """An emoji is one character and two units of UTF-16; older releases counted the units."""
    value = {"start": start, "end": end, "text": "Ada", "labels": ["person"]}
    task = {"data": {"key": "a", "text": "🙂 Ada!"}, "annotations": [{"result": [{"type": "labels", "value": value}]}]}
    (tmp_path / "ls.json").write_text(json.dumps([task]))
    (record,) = import_labels(tmp_path / "ls.json", format="label-studio", kind="spans")
    assert record.label == [{"start": 2, "end": 5, "label": "person"}]


def test_of_several_annotations_the_ground_truth_counts(tmp_path: Path) -> None:
    def chosen(name: str, **more: Any) -> dict[str, Any]:
        return {"result": [{"type": "choices", "value": {"choices": [name]}}], **more}

    def read(*annotations: dict[str, Any]) -> Any:
        (tmp_path / "ls.json").write_text(json.dumps([{"data": {"key": "a"}, "annotations": annotations}]))
        return [one.label for one in import_labels(tmp_path / "ls.json", format="label-studio", kind="classification")]

    assert read(chosen("cat"), chosen("cat")) == ["cat"]
    assert read(chosen("cat"), chosen("dog", ground_truth=True)) == ["dog"]
    assert read(chosen("cat", was_cancelled=True)) == []
    with pytest.raises(DataError, match=r"ls.json task 1 has annotations that differ"):
        read(chosen("cat"), chosen("dog"))
