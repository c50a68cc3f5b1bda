"""Sections on the run itself: where the time went, its settings, versions, and the command that repeats it."""

from __future__ import annotations

import dataclasses
import platform
import shlex
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from querist.cli.progress import duration
from querist.cli.report.evidence import Evidence
from querist.cli.report.markup import Child, Markup, table, tag
from querist.loop.result import RunResult
from querist.loop.settings import RunSettings

PARTS = ("train", "views", "select")
CLASSES = 20
_FOUND_NAMES = {
    "task": "task",
    "model": "model",
    "metric": "metric",
    "device": "device",
    "inference_batch": "inference batch",
    "pool": "fingerprint of the data",
}


def time_spent(result: RunResult) -> Markup:
    """Seconds of each arm, by what they went to."""
    spent = {
        arm: {part: sum(point.seconds.get(part, 0.0) for curve in curves for point in curve.points) for part in PARTS}
        for arm, curves in result.arms.items()
    }
    longest = max((sum(parts.values()) for parts in spent.values()), default=0) or 1
    rows = []
    for arm, parts in spent.items():
        bars = [
            tag(
                "i",
                class_=f"part {part}",
                style=f"width:{seconds / longest * 100:.2f}%",
                title=f"{part}: {seconds:.2f} s",
            )
            for part, seconds in parts.items()
        ]
        rows.append(
            [
                arm,
                *(duration(seconds) for seconds in parts.values()),
                duration(sum(parts.values())),
                tag("div", *bars, class_="parts"),
            ]
        )
    head = ["", "training", "views", "selecting", "total", tag("span", "shares", class_="faint")]
    return tag(
        "section",
        tag("h2", "Time"),
        tag(
            "p",
            "Seconds of computing, all seeds together. Views are the answers of the model that a strategy reads.",
            class_="lead",
        ),
        tag(
            "p",
            *(tag("span", tag("i", class_=f"key {part}"), name) for part, name in zip(PARTS, head[1:4], strict=True)),
            class_="legend",
        ),
        table([str(title) if not isinstance(title, Markup) else title for title in head], rows, class_="numbers"),
        id="time",
    )


def settings(result: RunResult, evidence: Evidence) -> Markup:
    """What was asked for, what was found by itself, and with which versions."""
    found = dataclasses.asdict(result.settings.found)
    asked = [
        [name.replace("_", " "), _text(value)]
        for name, value in result.settings.asked().items()
        if value not in (None, ())
    ]
    by_itself = [[title, _text(found[name])] for name, title in _FOUND_NAMES.items() if found.get(name) is not None]
    if found["classes"]:
        by_itself.append(["classes", _classes(found["classes"])])
    by_itself += [[f"{split} rows", str(size)] for split, size in evidence.sizes.items() if size]
    reasons = dict.fromkeys(result.stopped.values())
    by_itself += [["ended because", _ended(result.stopped, reason)] for reason in reasons]
    return tag(
        "section",
        tag("h2", "Settings"),
        tag(
            "div",
            tag("div", tag("h3", "Asked for"), table(["setting", "value"], asked)),
            tag("div", tag("h3", "Found"), table(["what", "value"], by_itself)),
            tag("div", tag("h3", "Versions"), table(["package", "version"], versions())),
            class_="columns",
        ),
        id="settings",
    )


def stopping(result: RunResult) -> Markup | None:
    """Where each stopping rule stood after the last round; nothing where there was only a budget of labels."""
    rows: list[list[Child]] = [
        [campaign, rule, verdict.text, "yes" if verdict.stop else "no"]
        for campaign, said in result.stands.items()
        for rule, verdict in said.items()
    ]
    if not rows:
        return None
    return tag(
        "section",
        tag("h2", "When to stop"),
        tag(
            "p", "Where each rule stood after the last round. The first that says stop ends a campaign.", class_="lead"
        ),
        table(["campaign", "rule", "where it stands", "stop"], rows),
        id="stopping",
    )


def versions() -> list[list[str]]:
    """The versions that this report is written with."""
    packages = ("querist", "torch", "numpy", "scikit-learn", "faiss-cpu")
    return [
        *([name, version(name)] for name in packages),
        ["python", platform.python_version()],
        ["system", platform.platform()],
    ]


def again(result: RunResult) -> Markup:
    """The command that repeats the run."""
    return tag(
        "section",
        tag("h2", "Do it again"),
        tag("p", "The same command gives the same picks, on the same versions and kind of device.", class_="lead"),
        tag("pre", tag("code", command_of(result.settings, result.out))),
        id="again",
    )


def command_of(settings: RunSettings, out: Path) -> str:
    """The command line of these settings, without those that stand at their default.

    Example:
        >>> command_of(RunSettings(strategy="margin", seeds=(0, 1), skip_bad=True), Path("runs/mine"))
        'querist run digits --strategy margin --seeds 0,1 --skip-bad --out runs/mine'
    """
    default = RunSettings().asked()
    words = ["querist", "run", settings.data]
    for name, value in settings.asked().items():
        if name == "data" or value is None or value == default[name]:
            continue
        words.append(f"--{name.replace('_', '-')}")
        if value is not True:
            words.append(_text(value))
    return shlex.join([*words, "--out", str(out)])


def _classes(names: Sequence[str]) -> str:
    shown = ", ".join(names[:CLASSES])
    return shown if len(names) <= CLASSES else f"{shown}, ... ({len(names)} in all)"


def _ended(stopped: Mapping[str, str], reason: str) -> str:
    """The reason, with the campaigns it holds for where they did not all end alike."""
    names = [name for name, other in stopped.items() if other == reason]
    return reason if len(names) == len(stopped) else f"{reason} ({', '.join(names)})"


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
