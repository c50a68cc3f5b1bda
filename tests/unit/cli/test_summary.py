"""What a run says at its end, and while it runs."""

import dataclasses
import io

import pytest
from rich.console import Console

from querist.cli.plot import save_curve
from querist.cli.progress import lines, progress_listener
from querist.cli.summary import final, number, print_summary, reached, saved_sentence, savings
from querist.core.errors import UsageError
from querist.loop.progress import RoundEnded, RunEnded, RunStarted, Stage
from querist.stopping.base import Verdict


def shifted(result, arm, by):
    """The result with every value of an arm moved."""
    curves = [
        dataclasses.replace(
            curve,
            points=tuple(
                dataclasses.replace(point, metrics={"accuracy": point.metrics["accuracy"] + by})
                for point in curve.points
            ),
        )
        for curve in result.arms[arm]
    ]
    return dataclasses.replace(result, arms={**result.arms, arm: curves})


def test_summary_says_target_final_and_savings(result):
    stream = io.StringIO()
    print_summary(result, result.out / "report.html", Console(file=stream, width=120))
    text = stream.getvalue()
    assert "labels to accuracy 0.9" in text
    assert "0.960 (0.950 to 0.970)" in text
    assert "24 labels saved (30%)" in text
    assert f"report: {result.out / 'report.html'}" in text.replace("\n", "")


def test_target_is_the_first_measured_count_of_the_mean(result):
    assert reached(result, "badge") == "60"
    assert reached(result, "random") == "80"
    far = dataclasses.replace(result, settings=dataclasses.replace(result.settings, target=0.99))
    assert reached(far, "badge") == "not reached"
    assert reached(
        dataclasses.replace(result, settings=dataclasses.replace(result.settings, target=None)), "badge"
    ) == ("no target")


def test_a_single_seed_has_no_spread(result):
    single = dataclasses.replace(result, arms={"badge": result.arms["badge"][:1]})
    single = dataclasses.replace(single, settings=dataclasses.replace(single.settings, seeds=(0,)))
    assert final(single, "badge") == "0.950"
    assert savings(single) == []
    assert saved_sentence(single) == ""


def test_an_arm_that_is_worse_is_called_worse(result):
    assert saved_sentence(shifted(result, "badge", -0.3)) == (
        "badge did not reach random's final accuracy of 0.900: no labels saved."
    )


def test_an_arm_that_needs_more_says_so(result):
    other = dataclasses.replace(result, arms={"random": result.arms["random"], "badge": result.arms["badge"]})
    short = {
        arm: [
            dataclasses.replace(curve, points=curve.points[:2] if arm == "badge" else curve.points) for curve in curves
        ]
        for arm, curves in other.arms.items()
    }
    assert saved_sentence(dataclasses.replace(other, arms=short)) == (
        "To reach badge's final accuracy of 0.820, random needed 60 labels and badge 40: 20 labels more."
    )


def test_numbers_are_short():
    assert number(float("nan")) == "nan"
    assert number(-0.12345) == "-0.123"


EVENTS = [
    RunStarted(arms=("badge", "random"), seeds=(0, 1), budget=80, notes=("a [note]",)),
    Stage(arm="badge", seed=0, text="training", share=0.5),
    RoundEnded(
        arm="badge", seed=0, round=1, labels=40, budget=80, metric="accuracy", value=0.8, done=0.125, seconds_left=75.0
    ),
    RunEnded(seconds=3.0),
]


def test_plain_lines_say_the_round(capsys):
    for event in EVENTS:
        lines(event)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "querist: a [note]",
        "badge seed 0 round 1: 40/80 labels, accuracy 0.8000, 12% done, 1 min 15 s left",
    ]


def test_bars_show_round_metric_and_time_left():
    stream = io.StringIO()
    with progress_listener(Console(file=stream, width=140, force_terminal=True, color_system=None)) as listener:
        for event in EVENTS:
            listener(event)
            if isinstance(event, RoundEnded):
                assert listener.now.startswith("1 min 15 s left")
    text = stream.getvalue()
    assert "a [note]" in text
    assert "seed 1/2, round 1, 40/80 labels, accuracy 0.8000" in text
    assert "done in 3.0 s" in text


@pytest.mark.parametrize(("width", "said"), [(80, False), (160, True)])
def test_bars_say_where_a_stopping_rule_stands_if_there_is_room(width, said):
    stream, verdict = io.StringIO(), Verdict(stop=False, text="agreement 0.970 over 3 rounds, stops at 0.99")
    with progress_listener(Console(file=stream, width=width, force_terminal=True, color_system=None)) as listener:
        for event in EVENTS:
            told = isinstance(event, RoundEnded)
            listener(dataclasses.replace(event, stands={"stabilising_predictions": verdict}) if told else event)
    assert (verdict.text in stream.getvalue()) is said


@pytest.mark.parametrize(("ending", "head"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_curve_is_saved(result, tmp_path, ending, head):
    save_curve(result, tmp_path / f"curve.{ending}")
    assert (tmp_path / f"curve.{ending}").read_bytes().startswith(head)


def test_curve_of_an_unknown_ending_is_refused(result, tmp_path):
    with pytest.raises(UsageError, match="known ending"):
        save_curve(result, tmp_path / "curve.bmp")


def test_a_twin_that_learned_nothing_has_nothing_to_save(result):
    flat = [
        dataclasses.replace(
            curve, points=tuple(dataclasses.replace(point, metrics={"accuracy": 0.0}) for point in curve.points)
        )
        for curve in result.arms["random"]
    ]
    found = dataclasses.replace(result, arms={**result.arms, "random": flat})
    assert saved_sentence(found) == (
        "random ended no better than it began (0.000 at 20 labels), so no labels can be saved."
    )
    single = {arm: [dataclasses.replace(c, points=c.points[:1]) for c in curves] for arm, curves in found.arms.items()}
    assert saved_sentence(dataclasses.replace(found, arms=single)) == ""


def test_what_was_run_is_not_wrapped_at_the_width_of_the_table(result):
    stream = io.StringIO()
    print_summary(result, result.out / "report.html", Console(file=stream, width=80))
    assert "digits, accuracy on the test rows, 2 seeds\n" in stream.getvalue()
