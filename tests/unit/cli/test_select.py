"""``querist select``: files in, picks out, and one line for whatever is wrong."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from typer.testing import CliRunner

from querist.cli.app import app
from querist.strategies import Badge, CoreSet, LeastDisagree, Margin  # type: ignore[attr-defined]
from querist.views import Snapshot

runner = CliRunner()
N = 300
LABELLED = [5, 17, 100]
RNG = np.random.default_rng(0)
Z = RNG.normal(size=(N, 6)).astype(np.float32)
LOGITS = RNG.normal(size=(N, 4)).astype(np.float32)
P = (np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)).astype(np.float32)
NAMES = [f"photo {row:03d}, «{row % 7}»" for row in range(N)]


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    np.save("z.npy", Z)
    np.save("p.npy", P)
    np.save("logits.npy", LOGITS)
    np.save("samples.npy", np.stack([P, P[::-1]]))
    np.save("values.npy", Z[:, 0])
    Path("l.txt").write_text("\n".join(map(str, LABELLED)) + "\n\n", encoding="utf-8")
    return tmp_path


def select(*words: object, strategy: str = "core_set", budget: int = 8):
    return runner.invoke(app, ["select", "--strategy", strategy, "--budget", str(budget), *map(str, words)])


def said(*words: object, **options) -> dict:
    found = select(*words, "--json", **options)
    assert found.exit_code == 0, found.stdout + found.stderr
    return json.loads(found.stdout)


def rows(*words: object, **options) -> list[int]:
    return said(*words, **options)["rows"]


def expected(**options) -> list[int]:
    return CoreSet()(Snapshot.from_arrays(embeddings=Z, labelled=LABELLED), k=8, **options).tolist()


def refused(*words: object, before: frozenset[str] | None = None, **options) -> str:
    """The one line that is said, after checking that it is one and that nothing was written."""
    there = {path.name for path in Path().iterdir()}
    found = select(*words, **options)
    assert found.exit_code == 2, (found.exit_code, found.stdout, found.stderr)
    assert found.stdout == ""
    assert found.stderr.startswith("querist: ")
    assert found.stderr.count("\n") == 1
    assert {path.name for path in Path().iterdir()} == there
    error = json.loads(select(*words, "--json", **options).stdout)
    assert set(error) == {"error", "message"}
    return f"{error['error']}: {found.stderr.removeprefix('querist: ')}"


def test_picks_are_those_of_the_strategy() -> None:
    assert rows("--embeddings", "z.npy", "--labelled", "l.txt") == expected()
    snapshot = Snapshot.from_arrays(embeddings=Z, probs=P)
    for seed in (0, 7):
        own = Badge(first="uniform")(snapshot, k=8, seed=seed).tolist()
        words = ["--embeddings", "z.npy", "--probs", "p.npy", "--set", "first=uniform", "--seed", seed]
        assert rows(*words, strategy="badge") == own
    assert rows("--logits", "logits.npy", strategy="margin") == Margin()(snapshot, k=8).tolist()
    assert len(rows("--prob-samples", "samples.npy", strategy="bald")) == 8


def test_json_has_the_documented_shape() -> None:
    found = said("--embeddings", "z.npy")
    assert list(found) == ["rows", "seconds", "peak_mb"]
    assert len(set(found["rows"])) == 8
    assert 0 <= found["seconds"] < 60
    assert 20 < found["peak_mb"] < 50_000


def test_rows_go_to_standard_output_and_all_else_to_standard_error() -> None:
    found = select("--embeddings", "z.npy", "--labelled", "l.txt")
    assert found.exit_code == 0
    assert [int(line) for line in found.stdout.splitlines()] == expected()
    assert "8 of 300 rows picked by core_set" in found.stderr
    assert "distance" in found.stderr
    found = select("--embeddings", "z.npy", "--labelled", "l.txt", "--out", "picks.txt")
    assert "MB of memory: picks.txt" in found.stdout
    assert found.stderr == ""


def test_formats_of_the_output() -> None:
    np.save("ids.npy", np.array(NAMES))
    words = ["--embeddings", "z.npy", "--labelled", "l.txt", "--ids", "ids.npy"]
    for ending in ("csv", "json", "txt"):
        assert select(*words, "--out", f"picks.{ending}").exit_code == 0
    with Path("picks.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert list(lines[0]) == ["order", "row", "id", "why"]
    assert [int(line["order"]) for line in lines] == list(range(1, 9))
    assert [int(line["row"]) for line in lines] == expected()
    assert [line["id"] for line in lines] == [NAMES[row] for row in expected()]
    assert all(line["why"].startswith("distance ") for line in lines)
    whole = json.loads(Path("picks.json").read_text(encoding="utf-8"))
    assert whole["rows"] == expected()
    assert whole["ids"] == [line["id"] for line in lines]
    assert whole["why"] == [line["why"] for line in lines]
    assert Path("picks.txt").read_text() == "".join(f"{row}\n" for row in expected())


@pytest.mark.parametrize("ending", ["txt", "csv"])
def test_picks_are_the_labelled_rows_of_the_next_time(ending: str) -> None:
    """Half and then the rest is the whole, through a file."""
    first = rows("--embeddings", "z.npy", "--out", f"picks.{ending}", budget=4)
    rest = rows("--embeddings", "z.npy", "--labelled", f"picks.{ending}", budget=4)
    assert first + rest == rows("--embeddings", "z.npy", budget=8)


def test_kinds_of_input() -> None:
    np.savez("both.npz", z=Z, p=P)
    np.savez_compressed("small.npz", z=Z)
    lists = pa.FixedSizeListArray.from_arrays(pa.array(Z.ravel()), Z.shape[1])
    parquet.write_table(pa.table({"z": lists, "y": Z[:, 0]}), "lists.parquet", row_group_size=64)
    parquet.write_table(pa.table({f"f{axis}": Z[:, axis] for axis in range(6)}), "wide.parquet")
    np.save("labelled.npy", np.array(LABELLED, dtype=np.int32))
    parquet.write_table(pa.table({"pos": LABELLED}), "labelled.parquet")
    Path("labelled.csv").write_text("when,pos\nmonday,5\ntuesday,17\nfriday,100\n", encoding="utf-8")
    for table in ("both.npz:z", "small.npz", "lists.parquet", "lists.parquet:z", "wide.parquet"):
        assert rows("--embeddings", table, "--labelled", "l.txt") == expected(), table
    for known in ("labelled.npy", "labelled.parquet:pos", "labelled.parquet", "labelled.csv:pos"):
        assert rows("--embeddings", "z.npy", "--labelled", known) == expected(), known
    np.save("half.npy", Z.astype(np.float16))
    half = Snapshot.from_arrays(embeddings=Z.astype(np.float16).astype(np.float32), labelled=LABELLED)
    assert rows("--embeddings", "half.npy", "--labelled", "l.txt") == CoreSet()(half, k=8).tolist()


@pytest.mark.parametrize("kind", ["npy of words", "npy of numbers", "npz", "txt", "csv", "parquet"])
def test_ids_are_kept(kind: str) -> None:
    numbers = [10_000 + 3 * row for row in range(N)]
    names: list = NAMES
    if kind == "npy of words":
        np.save("ids.npy", np.array(NAMES))
        text = "ids.npy"
    elif kind == "npy of numbers":
        np.save("ids.npy", np.array(numbers))
        text, names = "ids.npy", numbers
    elif kind == "npz":
        np.savez("ids.npz", ids=np.array(NAMES), other=Z)
        text = "ids.npz:ids"
    elif kind == "txt":
        Path("ids.txt").write_text("\n".join(NAMES), encoding="utf-8")
        text = "ids.txt"
    elif kind == "csv":
        with Path("ids.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["file", "id"], *(("x", name) for name in NAMES)])
        text = "ids.csv"
    else:
        parquet.write_table(pa.table({"name": NAMES}), "ids.parquet", row_group_size=50)
        text = "ids.parquet:name"
    found = said("--embeddings", "z.npy", "--labelled", "l.txt", "--ids", text)
    assert found["rows"] == expected()
    assert found["ids"] == [names[row] for row in expected()]


@pytest.mark.parametrize("column", ["id", "row"])
def test_a_parquet_table_may_name_its_rows(column: str) -> None:
    """The column ``id`` (or ``row``) is what rows are called, and never a feature."""
    features = {f"f{axis}": Z[:, axis] for axis in range(6)}
    parquet.write_table(pa.table({column: [7 * row for row in range(N)], **features}), "wide.parquet")
    found = select("--embeddings", "wide.parquet", "--labelled", "l.txt", "--out", "picks.json")
    assert f"by the column '{column}' of wide.parquet" in found.stderr
    whole = json.loads(Path("picks.json").read_text())
    assert whole["rows"] == expected()
    assert whole["ids"] == [7 * row for row in expected()]


def test_candidates_from_a_file_or_drawn() -> None:
    Path("c.txt").write_text("5\n200\n201\n", encoding="utf-8")
    words = ["--embeddings", "z.npy", "--labelled", "l.txt"]
    assert set(rows(*words, "--candidates", "c.txt", budget=2)) == {200, 201}
    drawn = [set(rows(*words, "--candidates", "9", "--seed", seed, budget=9)) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert not drawn[0] & set(LABELLED)
    assert rows(*words, "--candidates", "100000") == expected()


def test_labels_say_what_is_labelled() -> None:
    classes = np.full(N, -1)
    classes[LABELLED] = [2, 0, 1]
    np.save("y.npy", classes)
    assert rows("--embeddings", "z.npy", "--labels", "y.npy") == expected()
    Path("y.txt").write_text("2\n0\n1\n", encoding="utf-8")
    assert rows("--embeddings", "z.npy", "--labelled", "l.txt", "--labels", "y.txt") == expected()


def test_answers_may_be_asked_again() -> None:
    answers = np.full((N, 3), -1)
    answers[:40, 0] = answers[:40, 1] = P[:40].argmax(1)
    answers[7, 1] = (answers[7, 0] + 1) % 4  # two who disagree, about a row that is sure otherwise
    probs = np.full_like(P, 0.02)
    probs[np.arange(N), P.argmax(1)] = 0.94
    np.save("sure.npy", probs)
    np.save("a.npy", answers)
    given = ("--probs", "sure.npy", "--answers", "a.npy")
    assert rows(*given, "--overlap", 3, strategy="active_lab", budget=1) == [7]
    assert min(rows(*given, "--overlap", 2, strategy="active_lab")) >= 40  # everybody has two answers
    assert min(rows(*given, strategy="active_lab")) >= 40
    assert rows(*given, "--overlap", 3, "--candidates", 50, strategy="active_lab", budget=1) == [7]
    assert "300 rows, 260 are left" in refused(*given, strategy="active_lab", budget=300)
    assert len(rows(*given, "--overlap", 3, strategy="active_lab", budget=300)) == 300
    assert "ActiveLab also needs --answers" in refused("--probs", "sure.npy", strategy="active_lab")
    np.save("short.npy", answers[:9])
    assert "--answers short.npy has the shape [9, 3]" in refused("--probs", "p.npy", "--answers", "short.npy")


def test_aims_of_a_targeted_strategy() -> None:
    Path("y.txt").write_text("2\n0\n0\n", encoding="utf-8")
    np.save("target.npy", Z[[17, 100]] + 0.01)
    words = ["--embeddings", "z.npy", "--labelled", "l.txt"]
    by_class = rows(*words, "--labels", "y.txt", "--set", "query=[0]", strategy="similar")
    assert by_class == rows(*words, "--target", "target.npy", "--set", "aim=target", strategy="similar")
    assert "Similar also needs --labels" in refused(*words, strategy="similar")
    assert "Similar also needs --target" in refused(*words, "--set", "aim=target", strategy="similar")
    np.save("narrow.npy", Z[:4, :2])
    words += ["--target", "narrow.npy", "--set", "aim=target"]
    assert "embeddings have 6 numbers a row, those of the target 2" in refused(*words, strategy="similar")


def test_a_last_layer_and_smallest_changes_come_from_files() -> None:
    np.save("flip.npy", np.arange(N, dtype=np.float32)[::-1].copy())
    assert rows("--perturbations", "flip.npy", strategy="deep_fool") == list(range(N - 1, N - 9, -1))
    head = RNG.normal(size=(P.shape[1], Z.shape[1] + 1)).astype(np.float32)
    np.save("head.npy", head)
    words = ["--embeddings", "z.npy", "--probs", "p.npy", "--labelled", "l.txt"]
    snapshot = Snapshot.from_arrays(embeddings=Z, probs=P, head=head, labelled=LABELLED)
    assert rows(*words, "--head", "head.npy", strategy="least_disagree") == LeastDisagree()(snapshot, k=8).tolist()
    assert "LeastDisagree also needs --head" in refused(*words, strategy="least_disagree")
    np.save("narrow.npy", head[:, 1:])
    assert "the head has" in refused(*words, "--head", "narrow.npy", strategy="least_disagree")


def test_regression_is_known_by_its_values() -> None:
    np.save("spread.npy", RNG.normal(size=(5, N)))
    found = said("--prediction-samples", "spread.npy", strategy="bald")
    assert len(found["rows"]) == 8
    assert rows("--predictions", "values.npy", "--embeddings", "z.npy", "--labelled", "l.txt") == expected()


def test_a_strategy_that_reads_nothing_reads_nothing() -> None:
    np.save("nan.npy", np.full((N, 3), np.nan))
    assert len(rows("--embeddings", "nan.npy", strategy="random")) == 8


def broken(name: str, place: tuple[int, ...], value: float, table: np.ndarray) -> None:
    table = table.copy()
    table[place] = value
    np.save(name, table)


def test_bad_numbers_are_named() -> None:
    broken("nan.npy", (42, 3), np.nan, Z)
    assert "NonFinite: Embeddings of row 42 is not finite" in refused("--embeddings", "nan.npy", "--out", "picks.csv")
    broken("inf.npy", (1, 77, 2), np.inf, np.stack([P, P]))
    assert "ProbSamples of row 77 is not finite" in refused("--prob-samples", "inf.npy", strategy="bald")
    broken("off.npy", (13, 0), 0.9, P)
    assert "Probs of row 13 do not sum to one; scores before the softmax are logits" in refused(
        "--probs", "off.npy", strategy="margin"
    )
    assert "do not sum to one" in refused("--probs", "logits.npy", strategy="margin")
    np.save("words.npy", np.array(NAMES))
    assert "holds <U" in refused("--embeddings", "words.npy")


def test_bad_rows_are_named() -> None:
    for text, line in {
        "3\n300\n": "l2.txt names row 300 as labelled, the table has rows 0 to 299",
        "3\n-1\n": "names row -1 as labelled",
        "3\n9\n3\n": "l2.txt names row 3 as labelled more than once",
        "3\nfour\n": "l2.txt line 2 is 'four', which is no whole number",
    }.items():
        Path("l2.txt").write_text(text, encoding="utf-8")
        assert line in refused("--embeddings", "z.npy", "--labelled", "l2.txt")
    Path("l2.txt").write_text("1\n1\n", encoding="utf-8")
    assert "names row 1 as a candidate more than once" in refused("--embeddings", "z.npy", "--candidates", "l2.txt")
    assert "holds float32 of the shape [300]" in refused("--embeddings", "z.npy", "--labelled", "values.npy")
    Path("l2.csv").write_text("place\n4\n", encoding="utf-8")
    assert "l2.csv has no column 'row'; it has place" in refused("--embeddings", "z.npy", "--labelled", "l2.csv")
    assert "there is no file none.txt" in refused("--embeddings", "z.npy", "--labelled", "none.txt")
    Path("y.txt").write_text("0\n1\n", encoding="utf-8")
    for words in (["--labelled", "l.txt"], []):
        assert "--labels y.txt has 2 labels" in refused("--embeddings", "z.npy", "--labels", "y.txt", *words)


def test_files_that_do_not_fit_each_other() -> None:
    np.save("few.npy", Z[:-1])
    text = refused("--embeddings", "few.npy", "--probs", "p.npy")
    assert "different numbers of rows: --embeddings few.npy has 299, --probs p.npy has 300" in text
    text = refused("--prob-samples", "samples.npy", "--embeddings", "few.npy", strategy="bald")
    assert "--prob-samples samples.npy has 300" in text
    Path("ids.txt").write_text("a\nb\n", encoding="utf-8")
    assert "--ids ids.txt has 2 ids, the table has 300 rows" in refused("--embeddings", "z.npy", "--ids", "ids.txt")
    assert "has the shape [300]; samples come first" in refused("--prob-samples", "values.npy", strategy="bald")
    assert "Embeddings have the shape [300]; give [n d]" in refused("--embeddings", "values.npy")


def test_files_that_are_damaged_or_missing() -> None:
    whole = Path("z.npy").read_bytes()
    Path("cut.npy").write_bytes(whole[:-7])
    assert f"cut.npy is cut short: {len(whole) - 7} bytes of {len(whole)}" in refused("--embeddings", "cut.npy")
    assert "there is no file none.npy" in refused("--embeddings", "none.npy")
    assert "is no array file" in refused("--embeddings", "l.txt")
    np.savez("both.npz", z=Z, p=P)
    assert "name one as both.npz:NAME" in refused("--embeddings", "both.npz")
    assert "no array 'x' of numbers; it has z, p" in refused("--embeddings", "both.npz:x")


def test_what_cannot_be_asked() -> None:
    text = refused("--embeddings", "z.npy", "--labelled", "l.txt", budget=298)
    assert text.startswith("PoolExhausted: CoreSet was asked for 298 rows, 297 are left; ask for at most 297")
    assert "--budget is 0" in refused("--embeddings", "z.npy", budget=0)
    assert "2 are left" in refused("--embeddings", "z.npy", "--candidates", "2", budget=3)
    assert "did you mean 'core_set'" in refused("--embeddings", "z.npy", strategy="coreset")
    assert "no table is given; give --embeddings" in refused()
    text = refused("--embeddings", "z.npy", "--memory-mb", "0.001")
    assert text.startswith("MemoryTooSmall: a block of rows takes at least 0.19 MB beside its input")
    assert "k_center takes at least 0.19 MB" in refused("--embeddings", "z.npy", "--memory-mb", "0.19")


@pytest.mark.parametrize(
    ("strategy", "words", "line"),
    [
        ("badge", ["--embeddings", "z.npy"], "Badge also needs --probs or --logits; --embeddings was given"),
        ("core_set", ["--probs", "p.npy"], "CoreSet also needs --embeddings; --probs was given"),
        ("bald", ["--probs", "p.npy"], "Bald also needs --prob-samples"),
        ("fass", ["--prob-samples", "samples.npy"], "Fass also needs --probs or --logits and --embeddings"),
    ],
)
def test_a_missing_file_is_asked_for_by_its_option(strategy: str, words: list[str], line: str) -> None:
    assert refused(*words, strategy=strategy).startswith(f"ViewMissing: {line}")


def test_plain_k_means_needs_no_probabilities() -> None:
    assert len(rows("--embeddings", "z.npy", strategy="diverse_mini_batch")) == 8


def test_options_of_a_strategy() -> None:
    words = ["--embeddings", "z.npy", "--probs", "p.npy"]
    assert rows(*words, "--set", "beta=20", strategy="fass") != rows(*words, "--set", "beta=1", strategy="fass")
    assert "did you mean 'beta'" in refused(*words, "--set", "bta=2", strategy="fass")
    assert "no option of fass is called 'x'; known: aggregate, beta" in refused(*words, "--set", "x=2", strategy="fass")
    assert "fass.beta is 'much', which is no int" in refused(*words, "--set", "beta=much", strategy="fass")
    assert "use beta of 1 or more" in refused(*words, "--set", "beta=0", strategy="fass")
    assert "core_set has no options" in refused(*words, "--set", "beta=0")
    assert "write --set option=value" in refused(*words, "--set", "beta", strategy="fass")
    assert "given twice" in refused(*words, "--set", "beta=2", "--set", "beta=3", strategy="fass")


def test_where_the_picks_shall_go_is_looked_at_first(files: Path) -> None:
    assert "no known ending; use one of .csv, .json, .txt" in refused("--embeddings", "none.npy", "--out", "picks.xls")
    assert "the folder of --out no/picks.csv is not there" in refused(
        "--embeddings", "none.npy", "--out", "no/picks.csv"
    )
