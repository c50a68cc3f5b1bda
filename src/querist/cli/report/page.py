"""The report's page: what the run showed, first in a sentence, then in pictures, then in every detail."""

from __future__ import annotations

import dataclasses
import time
from importlib.resources import files
from pathlib import Path

from querist.cli.plot import page_curves
from querist.cli.report import asked, facts
from querist.cli.report.evidence import Evidence, gather
from querist.cli.report.markup import Child, Markup, table, tag
from querist.cli.summary import count, final, number, reached, saved_sentence, savings
from querist.core.errors import DataError
from querist.loop.result import RunResult
from querist.storage.atomic import atomic_write
from querist.storage.journal import Journal

NAME = "report.html"


def write_report(result: RunResult) -> Path:
    """Write ``report.html`` into the run folder; it appears whole or not at all.

    Raises:
        DataError: no round of the run is finished yet.
    """
    from querist.loop.run import JOURNAL

    with Journal.open(str(result.out / JOURNAL), create=False) as journal:
        shown = finished(result)
        text = page(shown, gather(shown, journal))
    with atomic_write(result.out / NAME) as file:
        file.write(text.encode())
    return result.out / NAME


def finished(result: RunResult) -> RunResult:
    """The run without campaigns that have no finished round.

    Raises:
        DataError: none has.
    """
    arms = {arm: [curve for curve in curves if curve.points] for arm, curves in result.arms.items()}
    arms = {arm: curves for arm, curves in arms.items() if curves}
    if not arms:
        raise DataError(
            f"no round of {result.out} is finished yet", hint=f"go on: querist run --out {result.out} --resume"
        )
    return dataclasses.replace(result, arms=arms)


def page(result: RunResult, evidence: Evidence) -> str:
    """The whole document."""
    own = next(iter(result.arms))
    title = f"{own} on {_short(result.settings.data)}"
    style = (files("querist.cli.report") / "style.css").read_text(encoding="utf-8")
    body = tag(
        "main",
        _head(result, title),
        _notes(result),
        _curves(result),
        _saved(result),
        asked.balance(result, evidence),
        asked.picks(result, evidence),
        facts.stopping(result),
        facts.time_spent(result),
        facts.settings(result, evidence),
        facts.again(result),
        tag("footer", f"Written by querist on {time.strftime('%Y-%m-%d %H:%M')}. This file needs no network."),
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{title}, a querist report"),
        tag("style", Markup(style)),
    )
    return f"<!doctype html>\n{tag('html', head, tag('body', body), lang='en')}\n"


def _short(data: str) -> str:
    """The data's name without the way to it."""
    return Path(data.partition(":")[2] or data).name or data


def _head(result: RunResult, title: str) -> Markup:
    last = {arm: result.band(arm) for arm in result.arms}
    own = next(iter(result.arms))
    labels = last[own][-1].labels if last[own] else 0
    metric = result.metric.replace("_", " ")
    cards = [
        _card(f"{metric} after {labels} labels", {arm: final(result, arm) for arm in result.arms if last[arm]}),
    ]
    if result.settings.target is not None:
        target = f"labels to {metric} {result.settings.target:g}"
        cards.append(_card(target, {arm: reached(result, arm) for arm in result.arms}))
    end = next(reversed(savings(result)), None)
    if end is not None and end.saved is not None and end.share is not None and round(end.saved) > 0:
        cards.append(
            _card("labels saved", {f"{end.share:.0%} of {list(result.arms)[1]}'s": f"{end.saved:.0f}"}, plain=True)
        )
    seeds = max(len(curves) for curves in result.arms.values())
    return tag(
        "header",
        tag("h1", title),
        tag(
            "p",
            f"{result.settings.found.task or ''}, {result.settings.found.model or ''}, {count(seeds, 'seed')}; "
            f"{result.settings.initial} labels at the start, {result.settings.batch} more a round",
            class_="lead",
        ),
        tag("div", *cards, class_="head-cards"),
    )


def _card(title: str, values: dict[str, str], *, plain: bool = False) -> Markup:
    lines = []
    for place, (arm, value) in enumerate(values.items()):
        main, _, rest = value.partition(" (")
        lines.append(
            tag(
                "div",
                tag("span", tag("i", class_=f"key arm-{place}") if not plain else None, arm, class_="name"),
                tag("span", tag("b", main), tag("small", f" {rest.rstrip(')')}") if rest else None, class_="value"),
                class_="line",
            )
        )
    return tag("div", tag("h2", title), *lines, class_="head-card")


def _notes(result: RunResult) -> Markup | None:
    notes = list(result.notes)
    open_campaigns = [
        f"{arm}/{curve.seed}"
        for arm, curves in result.arms.items()
        for curve in curves
        if f"{arm}/{curve.seed}" not in result.stopped
    ]
    expected = len(result.settings.arms) * len(result.settings.seeds)
    if open_campaigns or sum(map(len, result.arms.values())) < expected:
        notes.insert(0, "This run is not finished; the numbers are those so far.")
    if not notes:
        return None
    return tag("section", tag("ul", *(tag("li", note) for note in notes)), class_="note", id="notes")


def _curves(result: RunResult) -> Markup:
    pictures = page_curves(result)
    several = max(len(curves) for curves in result.arms.values()) > 1
    meaning = "Lines are means over seeds, bands reach from the lowest to the highest seed." if several else "One seed."
    rows: list[list[Child]] = []
    by_labels = {arm: {point.labels: point for point in result.band(arm)} for arm in result.arms}
    for labels in sorted(set().union(*by_labels.values())):
        cells: list[Child] = [str(labels)]
        for arm in result.arms:
            point = by_labels[arm].get(labels)
            cells.append("" if point is None else _value(point.value, point.low, point.high, several))
        rows.append(cells)
    return tag(
        "section",
        tag("h2", "Learning curves"),
        tag("p", f"Test {result.metric.replace('_', ' ')} against labels. {meaning}", class_="lead"),
        tag("div", *(tag("div", Markup(svg), class_=f"chart {name}") for name, svg in pictures.items())),
        tag(
            "details",
            tag("summary", "The values"),
            table(["labels", *result.arms], rows, class_="numbers"),
        ),
        id="curves",
    )


def _value(value: float, low: float, high: float, several: bool) -> str:
    return f"{number(value)} ({number(low)} to {number(high)})" if several else number(value)


def _saved(result: RunResult) -> Markup | None:
    found, sentence = savings(result), saved_sentence(result)
    if not sentence:
        return None
    own, twin = list(result.arms)[:2]
    rows: list[list[Child]] = []
    for each in found:
        saved = "" if each.saved is None else f"{each.saved:+.0f}"
        share = "" if each.share is None else f"{each.share:+.0%}"
        rows.append([number(each.value), _labels(each.labels), _labels(each.twin), saved, share])
    return tag(
        "section",
        tag("h2", "Labels saved at equal score"),
        tag("p", sentence, class_="lead"),
        table([result.metric.replace("_", " "), own, twin, "saved", "share"], rows, class_="numbers"),
        tag("p", "Counts between two measurements are read off the straight line between them.", class_="faint"),
        id="saved",
    )


def _labels(labels: float | None) -> str:
    return "not reached" if labels is None else f"{labels:.0f}"
