"""The commands on a real run: digits, a small model, two rounds."""

import csv
import json
import shlex
import shutil

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from querist.cli import progress
from querist.cli.app import app
from querist.cli.run import default_out
from querist.loop.progress import RoundEnded

runner = CliRunner()
SMALL = shlex.split(
    "--strategy margin --model sklearn:LogisticRegression --initial 20 --batch 10 --budget 40 --seeds 0,1"
)


def ran(*words):
    found = runner.invoke(app, [str(word) for word in words])
    assert found.exit_code == 0, found.stderr
    return found


def refused(*words):
    found = runner.invoke(app, [str(word) for word in words])
    assert found.exit_code == 2
    assert found.stdout == ""
    assert found.stderr.count("\n") == 1
    return found.stderr


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A finished run, and what the command said."""
    out = tmp_path_factory.mktemp("cli") / "mine"
    return out, ran("run", "digits", *SMALL, "--target", "0.5", "--out", out, "--json")


@pytest.fixture
def run(first, tmp_path):
    """A copy of the finished run that a test may change."""
    shutil.copytree(first[0], tmp_path / "mine")
    return tmp_path / "mine"


def test_json_has_the_documented_shape_and_nothing_else(first):
    out, found = first
    said = json.loads(found.stdout)
    assert list(said) == [
        "run", "strategy", "metric", "seeds", "curve", "twin", "target", "picked", "seconds",
    ]  # fmt: skip
    assert said["run"] == str(out)
    assert said["strategy"] == "margin"
    assert said["seeds"] == [0, 1]
    assert [point["labels"] for point in said["curve"]] == [20, 30, 40]
    assert all(point["low"] <= point["value"] <= point["high"] for point in said["curve"])
    assert said["twin"]["strategy"] == "random"
    assert set(said["target"]) == {"value", "labels", "twin"}
    assert [len(rows) for rows in said["picked"]] == [10, 10]
    assert set(said["seconds"]) == {"train", "views", "select", "total"}


def test_progress_goes_to_standard_error(first):
    said = first[1].stderr
    assert "margin seed 0 round 2: 40/40 labels, accuracy" in said
    assert "random seed 1 round 0" in said
    assert "look like classification" in said


def test_run_folder_is_whole(first):
    names = {path.name for path in first[0].iterdir()}
    assert {"run.toml", "querist.db", "curve.csv", "report.html"} <= names
    assert not [name for name in names if "part" in name]
    report = (first[0] / "report.html").read_text(encoding="utf-8")
    assert "data:image/png;base64," in report
    assert "margin on digits" in report


def test_finished_run_is_printed_again(first):
    out, found = first
    again = ran("run", "--out", out, "--resume", "--json")
    assert json.loads(again.stdout) == json.loads(found.stdout)
    table = ran("run", "--out", out, "--resume").stdout
    assert "labels to accuracy 0.5" in table
    assert f"report: {out / 'report.html'}" in table


def test_a_run_is_not_overwritten(first):
    said = refused("run", "digits", *SMALL, "--out", first[0])
    assert "--resume" in said
    assert "another --out" in said


def test_resuming_with_other_settings_names_them(first):
    said = refused("run", "--out", first[0], "--resume", "--batch", "20", "--strategy", "entropy")
    assert "batch was 10, is 20" in said
    assert "strategy was margin, is entropy" in said
    assert "budget" not in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "digits", "--budget", "100000"], "over the"),
        (["run", "digits", "--metric", "acuracy"], "did you mean 'accuracy'?"),
        (["run", "csv:nowhere.csv"], "nowhere.csv"),
        (["run", "cvs:nowhere.csv"], "csv"),
        (["run", "images:empty"], "empty"),
        (["run", "digits", "--model", "mpl"], "did you mean 'mlp'?"),
    ],
)
def test_nothing_is_written_when_a_run_cannot_be(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    assert said in refused(*words)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_ctrl_c_says_how_to_go_on_and_it_works(first, tmp_path, monkeypatch):
    seen = []

    def impatient(event):
        if isinstance(event, RoundEnded):
            seen.append(event)
            if len(seen) == 3:
                raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(progress, "lines", impatient)
        stopped = runner.invoke(app, ["run", "digits", *SMALL, "--target", "0.5", "--out", str(tmp_path / "run")])
    assert stopped.exit_code == 130
    assert stopped.stderr == f"querist: stopped; go on with: querist run --out {tmp_path / 'run'} --resume\n"
    partial = ran("report", tmp_path / "run").stdout.strip()
    assert "not finished" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert partial.endswith("report.html")

    whole = json.loads(ran("run", "--out", tmp_path / "run", "--resume", "--json").stdout)
    expected = json.loads(first[1].stdout)
    assert {key: whole[key] for key in ("curve", "twin", "picked", "target")} == {
        key: expected[key] for key in ("curve", "twin", "picked", "target")
    }


def test_predict_answers_the_rest_of_the_pool(run):
    said = json.loads(ran("predict", run, "--json").stdout)
    with (run / "predictions.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    kept = {"run": str(run), "data": "digits", "task": "classification", "rows": len(lines)}
    assert said == {**kept, "out": str(run / "predictions.csv")}
    assert list(lines[0]) == ["row", "key", "label", "probability"]
    assert all(0 < float(line["probability"]) <= 1 for line in lines)
    assert {line["label"] for line in lines} <= set("0123456789")
    exported = json.loads(ran("export", run, "--format", "jsonl", "--out", run / "labels.jsonl", "--json").stdout)
    labelled = [json.loads(line)["row"] for line in (run / "labels.jsonl").read_text().splitlines()]
    assert exported["labels"] == len(labelled) == 40
    assert not set(labelled) & {int(line["row"]) for line in lines}


def test_predict_reads_the_weights_of_a_network(tmp_path):
    out = tmp_path / "net"
    small = shlex.split("--strategy margin --model mlp --initial 20 --batch 10 --budget 30 --compare none")
    ran("run", "digits", *small, "--out", out)
    assert list((out / "model").rglob("*.safetensors"))
    assert json.loads(ran("run", "--out", out, "--resume", "--json").stdout)["twin"] is None
    ran("predict", out)
    with (out / "predictions.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) > 1000


def test_predict_answers_new_data_as_parquet(run, tmp_path):
    out = tmp_path / "new.parquet"
    ran("predict", run, "digits", "--arm", "random", "--seed", "1", "--out", out)
    table = pq.read_table(out)
    assert table.num_rows == 1797
    assert table.column_names == ["row", "key", "label", "probability"]


def test_predict_refuses_data_of_another_kind(run, tmp_path):
    (tmp_path / "table.csv").write_text("a,label\n" + "\n".join(f"{i},{i % 2}" for i in range(20)))
    said = refused("predict", run, f"csv:{tmp_path / 'table.csv'}", "--label", "label", "--out", tmp_path / "x.csv")
    assert "trained on image" in said
    assert not (tmp_path / "x.csv").exists()


@pytest.mark.parametrize(
    ("words", "said"), [(["--arm", "randon"], "did you mean 'random'?"), (["--seed", "7"], "no seed 7")]
)
def test_other_arms_and_seeds_are_refused(first, words, said):
    assert said in refused("export", first[0], *words)
    assert said in refused("predict", first[0], *words)


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_labels_go_out_and_come_back(run, tmp_path, form):
    file = tmp_path / f"labels.{form}"
    ran("export", run, "--out", file)
    back = json.loads(ran("import", run, file, "--arm", "random", "--seed", "1", "--json").stdout)
    assert (back["labels"], back["new"]) == (40, 40)
    again = json.loads(ran("import", run, file, "--arm", "random", "--seed", "1", "--json").stdout)
    assert (again["labels"], again["new"]) == (40, 0)


def test_labels_that_do_not_fit_are_named_and_none_is_stored(run, tmp_path):
    file = tmp_path / "labels.csv"
    file.write_text("row,label\n0,3\n1,dog\n")
    said = refused("import", run, file)
    assert "line 3" in said
    assert "dog" in said
    file.write_text("row,label\n0,3\n")
    assert json.loads(ran("import", run, file, "--json").stdout)["new"] == 1


def test_label_studio_s_json_goes_out_and_comes_back(run, tmp_path):
    file = tmp_path / "tasks.json"
    assert "tasks.json may be coco or label-studio" in refused("export", run, "--out", file)
    ran("export", run, "--format", "label-studio", "--out", file)
    back = json.loads(ran("import", run, file, "--arm", "random", "--seed", "1", "--json").stdout)
    assert (back["labels"], back["new"]) == (40, 40)
    ran("export", run, "--format", "label-studio")
    assert (run / "labels-label-studio.json").read_bytes() == file.read_bytes()


def test_a_format_that_cannot_hold_the_labels_leaves_nothing(run, tmp_path):
    said = refused("export", run, "--format", "yolo", "--out", tmp_path / "x")
    assert "yolo cannot hold classification labels; these can: csv, jsonl, label-studio, parquet" in said
    assert not (tmp_path / "x").exists()


def test_export_refuses_unknown_formats(first):
    assert "no format is called 'coco2'" in refused("export", first[0], "--format", "coco2")


def test_report_says_where_it_is(run):
    (run / "report.html").unlink()
    said = json.loads(ran("report", run, "--json").stdout)
    assert said == {"run": str(run), "report": str(run / "report.html")}
    assert (run / "report.html").exists()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("digits", "digits-badge"),
        ("npz:../data/fashion mnist.npz", "fashion-mnist-badge"),
        ("images:./photos/", "photos-badge"),
        ("images:..", "data-badge"),
    ],
)
def test_default_folder_is_named_after_data_and_strategy(data, name):
    assert default_out(data, "badge").as_posix() == f"runs/{name}"


def test_a_run_says_each_round_where_its_stopping_rules_stand(tmp_path):
    words = [*SMALL, "--compare", "none", "--seeds", "0", "--stop", "stabilising_predictions:agreement=0.3:rounds=1"]
    found = ran("run", "digits", *words, "--stop-set", "50", "--out", tmp_path / "run")
    lines = [line.strip() for line in found.stderr.splitlines()]
    assert "stabilising_predictions: needs 2 rounds, has 1" in lines
    assert any(line.startswith("stabilising_predictions: agreement") and line.endswith("reached 0.3") for line in lines)
    assert "margin/0 stopped: agreement" in found.stdout
    assert "30" in found.stdout


def test_a_stopping_rule_that_cannot_be_is_one_line(tmp_path):
    assert "no stopping rule is called 'platau'" in refused(
        "run", "digits", *SMALL, "--stop", "platau", "--out", tmp_path / "run"
    )
    assert "plateau needs validation labels" in refused(
        "run", "digits", *SMALL, "--stop", "plateau", "--out", tmp_path / "run"
    )


def test_who_began_is_an_option_and_is_said(tmp_path):
    small = shlex.split("--strategy margin --model sklearn:GaussianNB --initial 20 --batch 10 --budget 30")
    found = ran("run", "digits", *small, "--json", "--initial-strategy", "cold_start", "--out", tmp_path / "run")
    assert [point["labels"] for point in json.loads(found.stdout)["curve"]] == [20, 30]
    assert "cold_start chooses the first rows by the features that the estimator reads" in found.stderr
    assert 'initial_strategy = "cold_start"' in (tmp_path / "run" / "run.toml").read_text()
    told = refused("run", "digits", *small, "--initial-strategy", "bald", "--out", tmp_path / "other")
    assert "bald needs a trained model" in told
    assert "typi_clust" in told
