"""Labels from one format to another, and into runs over texts and tokens, from the command line."""

import json
import shlex

import pytest
from typer.testing import CliRunner

from querist.cli.app import app
from querist.storage.formats import registry
from querist.storage.formats.capabilities import spelled

runner = CliRunner()
LINES = [
    {
        "key": f"train/{name}.jpg",
        "row": row,
        "split": "train",
        "annotators": ["ann"],
        "label": {"width": 640, "height": 480, "boxes": [{"x": row, "y": 2, "w": 10.5, "h": 20, "label": "cat"}]},
    }
    for row, name in enumerate("abc")
]
SMALL = "--strategy random --model sklearn:LogisticRegression --initial 6 --batch 6 --budget 12 --compare none"


def ran(*words):
    found = runner.invoke(app, [str(word) for word in words])
    assert found.exit_code == 0, found.stderr
    return found


def refused(*words):
    found = runner.invoke(app, [str(word) for word in words])
    assert (found.exit_code, found.stdout) == (2, "")
    assert found.stderr.count("\n") == 1
    return found.stderr


@pytest.fixture
def cells(tmp_path):
    file = tmp_path / "cells.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in LINES))
    return file


def test_boxes_go_round_through_every_format_and_come_back(cells, tmp_path):
    before = cells
    for name in ("csv", "parquet", "coco", "yolo", "voc", "label-studio", "jsonl"):
        after = tmp_path / "round" / f"{name}{registry[name.replace('-', '_')].suffix}"
        after.parent.mkdir(exist_ok=True)
        said = json.loads(ran("export", before, "--task", "boxes", "--format", name, "--out", after, "--json").stdout)
        assert said == {"source": str(before), "task": "boxes", "format": name, "out": str(after), "labels": 3}
        before = after
    back = [json.loads(line) for line in before.read_text().splitlines()]
    assert [{name: one[name] for name in LINES[0]} for one in back] == LINES


def test_what_is_made_is_called_after_what_it_is_made_of(cells, tmp_path):
    said = ran("export", cells, "--task", "boxes", "--format", "yolo").stdout
    assert said == f"3 labels of {cells}: {tmp_path / 'cells-yolo'}\n"
    assert (tmp_path / "cells-yolo" / "labels" / "train" / "a.txt").exists()
    assert "cells-yolo is there already" in refused("export", cells, "--task", "boxes", "--format", "yolo")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--task boxes --format conll", "conll cannot hold boxes labels; these can: coco, csv, jsonl, label-studio"),
        ("--task boxs --format coco", "no kind of labels is called 'boxs'; did you mean 'boxes'?"),
        ("--task boxes --format coko", "no format is called 'coko'; did you mean 'coco'?"),
        ("--task spans --format jsonl --out x.jsonl", "cells.jsonl line 1: the label is"),
        ("--format coco", "cells.jsonl is a file, and no run; say what its labels are with --task"),
    ],
)
def test_what_cannot_be_is_refused_on_one_line(words, said, cells, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert said in refused("export", cells, *shlex.split(words))
    assert list(tmp_path.iterdir()) == [cells]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"key": "z.jpg", "label": {"width": 9', "cells.jsonl line 4 is no JSON"),
        (
            json.dumps({**LINES[0], "label": {**LINES[0]["label"], "width": 10}}),
            "line 4: box 1: the right edge is 10.5",
        ),
        (json.dumps({**LINES[0], "label": "cat"}), "line 4: the label is 'cat'; give an object with width"),
        (json.dumps(LINES[0]), "line 1 and cells.jsonl line 4 both have the key 'train/a.jpg'"),
    ],
)
def test_bad_lines_are_named_and_nothing_is_written(line, said, cells, tmp_path):
    with cells.open("a") as file:
        file.write(line)
    assert said in refused("export", cells, "--task", "boxes", "--format", "yolo")
    assert list(tmp_path.iterdir()) == [cells]


def test_the_help_names_every_format():
    said = runner.invoke(app, ["export", "--help"], env={"COLUMNS": "200"}).stdout
    assert all(spelled(name) in said for name in registry)


@pytest.fixture(scope="module")
def tagged(tmp_path_factory):
    """A run over tokens."""
    folder = tmp_path_factory.mktemp("tokens")
    source = folder / "train.conll"
    names = ("Ada", "Bob", "Eve", "Leo", "Mia", "Tom", "Zoe", "Max", "Ida", "Kim")
    source.write_text("".join(f"{one}\tB-person\nmet\tO\n{two}\tB-person\n\n" for one in names for two in names[:4]))
    words = "--strategy random --model bilstm --initial 6 --batch 6 --budget 12 --compare none"
    ran("run", f"conll:{source}", *shlex.split(words), "--out", folder / "run")
    return folder / "run"


def test_tags_go_out_as_conll_and_come_back(tagged, tmp_path):
    file = tmp_path / "tags.conll"
    ran("export", tagged, "--out", file)
    lines = file.read_text().splitlines()
    assert lines[0].startswith('-DOCSTART- {"row": ')
    assert lines[3] == "met\tO"
    assert json.loads(ran("import", tagged, file, "--json").stdout)["labels"] == 12
    whole = file.read_text()
    file.write_text(whole.replace("met\tO", "saw\tO", 1))
    assert "tags.conll line 1: the text is not that of row" in refused("import", tagged, file)
    file.write_text(whole.replace("met\tO\n", "", 1))
    assert "tags.conll line 1: a label has 2 tags for 3 tokens" in refused("import", tagged, file)
    file.write_text(whole.replace("B-person", "B-place", 1))
    assert "tags.conll line 1: the label 'B-place' is no class of this task" in refused("import", tagged, file)


def test_texts_go_to_label_studio_with_their_labels(tmp_path):
    lines = [f"good film number {n},yes" for n in range(20)] + [f"bad film number {n},no" for n in range(20)]
    (tmp_path / "films.csv").write_text("text,label\n" + "\n".join(lines) + "\n")
    words = SMALL.replace("sklearn:LogisticRegression", "text_cnn")
    run = tmp_path / "run"
    ran("run", f"csv:{tmp_path / 'films.csv'}", "--text", "text", "--label", "label", *shlex.split(words), "--out", run)
    ran("export", run, "--format", "label-studio", "--out", tmp_path / "tasks.json")
    tasks = json.loads((tmp_path / "tasks.json").read_text())
    assert all("film number" in task["data"]["text"] for task in tasks)
    said = json.loads(ran("import", run, tmp_path / "tasks.json", "--json").stdout)
    assert said["labels"] == len(tasks) == 12
    tasks[0]["data"]["text"] = "another film"
    (tmp_path / "tasks.json").write_text(json.dumps(tasks))
    assert "tasks.json task 1: the text is not that of row" in refused("import", run, tmp_path / "tasks.json")
