"""What a finished run says on standard output: labels to the target, final score, labels saved, the report."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from querist.bench.curves import Saved, labels_saved
from querist.cli.console import out
from querist.loop.result import RunResult, labels_to_reach


def print_summary(result: RunResult, report: Path, console: Console | None = None) -> None:
    """Print the table of a run and where its report is."""
    console = console or out()
    settings = result.settings
    seeds = len(settings.seeds)
    table = Table()
    table.add_column("")
    for arm in result.arms:
        table.add_column(arm, justify="right")
    if settings.target is not None:
        table.add_row(f"labels to {result.metric} {settings.target:g}", *(reached(result, arm) for arm in result.arms))
    table.add_row(f"final {result.metric}", *(final(result, arm) for arm in result.arms))
    table.add_row("labels used", *(f"{result.band(arm)[-1].labels}" for arm in result.arms))
    # A title inside the table would be wrapped at the table's own width.
    console.print(f"{settings.data}, {result.metric} on the test rows, {count(seeds, 'seed')}", markup=False)
    console.print(table)
    for line in advice_lines(result):
        console.print(line, markup=False)
    sentence = saved_sentence(result)
    if sentence:
        console.print(sentence, markup=False)
    for campaign, said in result.stands.items():
        if any(verdict.stop for verdict in said.values()):
            console.print(f"{campaign} stopped: {result.stopped.get(campaign, '')}", markup=False)
    console.print(f"report: {report}", markup=False)


def advice_lines(result: RunResult) -> list[str]:
    """Whom an advisor took when, a line an arm that has one; of several seeds the first speaks."""
    lines = []
    for arm, curves in result.arms.items():
        turns = [f"{advice.strategy} from {labels} labels" for labels, advice in curves[0].turns()]
        if turns:
            lines.append(f"{arm} took {', then '.join(turns)}.")
    return lines


def reached(result: RunResult, arm: str) -> str:
    """Labels that the arm needed for the target."""
    target = result.settings.target
    if target is None:
        return "no target"
    labels = labels_to_reach(result.band(arm), target, lower_is_better=result.lower_is_better)
    return "not reached" if labels is None else f"{labels}"


def final(result: RunResult, arm: str) -> str:
    """The arm's last mean, with the lowest and highest seed where there are several."""
    last = result.band(arm)[-1]
    text = number(last.value)
    return f"{text} ({number(last.low)} to {number(last.high)})" if len(result.settings.seeds) > 1 else text


def savings(result: RunResult) -> list[Saved]:
    """Labels of the first arm and of its twin at equal values of the metric; empty without a twin."""
    arms = [[(point.labels, point.value) for point in result.band(arm)] for arm in result.arms]
    if len(arms) < 2 or not all(arms):
        return []
    return labels_saved(arms[0], arms[1], lower_is_better=result.lower_is_better)


def saved_sentence(result: RunResult) -> str:
    """Labels saved at equal score, in words, at the value that the twin ended with; empty without a twin."""
    found = savings(result)
    if not found:
        return ""
    (own, twin), end = list(result.arms)[:2], found[-1]
    begun = result.band(twin)[0]
    if end.twin == begun.labels:
        # Every arm begins with the same rows, so each of them has what the twin ended with from the start.
        rounds = len(result.band(twin)) > 1
        at = f"{number(begun.value)} at {count(begun.labels, 'label')}"
        return f"{twin} ended no better than it began ({at}), so no labels can be saved." if rounds else ""
    goal = f"{twin}'s final {result.metric} of {number(end.value)}"
    if end.labels is None or end.twin is None or end.saved is None or end.share is None:
        return f"{own} did not reach {goal}: no labels saved."
    amount = round(end.saved)
    if amount > 0:
        verdict = f"{count(amount, 'label')} saved ({end.share:.0%})"
    else:
        verdict = f"{count(-amount, 'label')} more" if amount else "no labels saved"
    return f"To reach {goal}, {own} needed {end.labels:.0f} labels and {twin} {end.twin:.0f}: {verdict}."


def number(value: float) -> str:
    """A metric's value, short enough for a table.

    Example:
        >>> number(0.97163), number(12.345), number(1234.5)
        ('0.972', '12.35', '1234')
    """
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.4g}"


def count(amount: int, noun: str) -> str:
    """An amount with its noun.

    Example:
        >>> count(1, "seed"), count(3, "seed")
        ('1 seed', '3 seeds')
    """
    return f"{amount} {noun}" + ("" if amount == 1 else "s")
