"""Sections on what was asked: the balance of its labels, and the first picks of each round with their reasons."""

from __future__ import annotations

from querist.cli.report.evidence import BINS, Evidence, ShownPick, ShownRound, shares
from querist.cli.report.markup import Markup, tag
from querist.cli.report.payloads import shown
from querist.cli.summary import count
from querist.loop.result import RunResult

CLASSES = 24
OPEN_ROUNDS = 5


def balance(result: RunResult, evidence: Evidence) -> Markup:
    """Bars: the share of each class among the labels that were asked for, and in the whole pool."""
    found = result.settings.found
    groups = {arm: labels for arm, labels in evidence.asked.items() if labels}
    if not groups:
        return Markup("")
    if evidence.pool is not None:
        groups["whole pool"] = evidence.pool
    table = shares(groups, task=found.task or "classification", classes=found.classes)
    reference = table.get("whole pool") or next(iter(table.values()))
    names = list(reference)
    left_out = len(names) - CLASSES
    if left_out > 0 and found.task != "regression":
        names = sorted(names, key=lambda name: -reference[name])[:CLASSES]
    longest = max((table[group][name] for group in groups for name in names), default=0) or 1
    rows = [
        tag(
            "div",
            tag("span", name, class_="class"),
            tag("div", *(_bar(group, place, table[group][name], longest) for place, group in enumerate(groups))),
            class_="balance-row",
        )
        for name in names
    ]
    return tag(
        "section",
        tag("h2", "What was asked"),
        tag("p", _balance_text(result, evidence, found.task or ""), class_="lead"),
        _legend(list(groups)),
        tag("div", *rows, class_="balance ordered" if found.task == "regression" else "balance"),
        tag("p", f"The {CLASSES} most frequent of {CLASSES + left_out} classes.", class_="faint")
        if left_out > 0 and found.task != "regression"
        else None,
        id="asked",
    )


def _balance_text(result: RunResult, evidence: Evidence, task: str) -> str:
    what = {
        "regression": f"Values in {BINS} bins",
        "tokens": "Shares of tags inside entities",
        "multilabel": "Shares of classes",
    }.get(task, "Share of each class")
    known = ", beside the whole pool" if evidence.pool is not None else ""
    seeds = max(len(curves) for curves in result.arms.values())
    return f"{what} among all labels that were given ({count(seeds, 'seed')} together){known}."


def _colour(group: str, place: int) -> str:
    return "pool" if group == "whole pool" else f"arm-{place}"


def _legend(groups: list[str]) -> Markup:
    keys = [tag("span", tag("i", class_=f"key {_colour(group, place)}"), group) for place, group in enumerate(groups)]
    return tag("p", *keys, class_="legend")


def _bar(group: str, place: int, share: float, longest: float) -> Markup:
    return tag(
        "div",
        tag("i", class_=f"bar {_colour(group, place)}", style=f"width:{share / longest * 86:.2f}%"),
        tag("span", f"{share:.1%}"),
        class_="bar-line",
        title=f"{group}: {share:.1%}",
    )


def picks(result: RunResult, evidence: Evidence) -> Markup:
    """The first picks of each round."""
    if not evidence.rounds:
        return Markup("")
    own = next(iter(result.arms))
    rounds = [_round(each, evidence.modality) for each in evidence.rounds]
    rest = rounds[OPEN_ROUNDS:]
    lost = f"The data cannot be shown: {evidence.lost}." if evidence.lost else None
    return tag(
        "section",
        tag("h2", "The first picks of each round"),
        tag("p", f"{own}, seed {result.arms[own][0].seed}: what it asked, in its own order, and why.", class_="lead"),
        tag("p", lost, class_="note") if lost else None,
        *rounds[:OPEN_ROUNDS],
        tag("details", tag("summary", f"{count(len(rest), 'more round')}"), *rest) if rest else None,
        id="picks",
    )


def _round(shown_round: ShownRound, modality: str) -> Markup:
    reasons = {pick.reason for pick in shown_round.picks}
    common = reasons.pop() if len(reasons) == 1 and len(shown_round.picks) > 1 else None
    title = "Initial rows" if shown_round.number == 0 else f"Round {shown_round.number}"
    bill = "" if shown_round.labels is None else f", {shown_round.labels} labels after it"
    cards = [_card(pick, modality, reason=common is None) for pick in shown_round.picks]
    return tag(
        "div",
        tag("h3", title, tag("small", f" {len(shown_round.picks)} of {shown_round.size}{bill}")),
        tag("p", common, class_="faint") if common else None,
        tag("div", *cards, class_=f"cards {modality or 'plain'}"),
        class_="round",
    )


def _card(pick: ShownPick, modality: str, *, reason: bool) -> Markup:
    label = None if modality == "tokens" or pick.label is None else _label_text(pick.label)
    body = shown(pick.payload, modality, pick.label) if modality else tag("p", f"row {pick.row}")
    return tag(
        "figure",
        body,
        tag(
            "figcaption",
            tag("b", label) if label is not None else None,
            tag("span", pick.reason, class_="reason") if reason else None,
        ),
        title=f"row {pick.row}" + (f", {pick.key}" if pick.key else ""),
    )


def _label_text(label: object) -> str:
    if isinstance(label, float):
        return f"{label:.4g}"
    if isinstance(label, list):
        return ", ".join(map(str, label)) or "no class"
    return str(label)
