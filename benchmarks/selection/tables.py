"""Results as Markdown: for each table a summary, then every case with all its participants."""

from __future__ import annotations

import math
from typing import Any

from benchmarks.selection.results import Ratio, ratio, times

Row = dict[str, Any]
Cell = dict[str, Any]


def markdown(known: dict[str, Any]) -> str:
    """A table's page, from what its file holds."""
    cells = [cell for cell in known["cells"].values() if cell.get("rows")]
    cells.sort(key=lambda cell: _place(cell["about"]))
    if not cells:
        return "Nothing has been measured yet.\n"
    if cells[0]["about"]["table"] == "growth":
        return _growth(cells) + _when(known)
    if all(cell["about"]["only_querist"] for cell in cells):
        return _alone(cells) + _when(known)
    parts = [_summary(cells), *(f"\n**{cell['about']['title']}**\n\n{_case(cell)}" for cell in cells)]
    return "".join(parts) + _when(known)


def fastest(cell: Cell, *, role: str) -> tuple[str, Row] | None:
    """The quickest row of a role that finished with a right answer, its garbage collection left out."""
    done = [
        (name, row)
        for name, row in cell["rows"].items()
        if row["role"] == role and not row.get("wrong") and times(row) is not None
    ]
    return min(done, key=lambda pair: _without_gc(pair[1]), default=None)


def beaten_by(cell: Cell, *, role: str) -> Ratio | None:
    """How many times faster Querist is than the fastest of a role.

    Where none finished it is a bound, from the one that was given least time, garbage collection left out.
    """
    querist = cell["rows"].get("Querist", {})
    if best := fastest(cell, role=role):
        return ratio(best[1], querist)
    stopped = [
        found
        for row in cell["rows"].values()
        if row["role"] == role and not row.get("wrong") and (found := ratio(row, querist)) is not None
    ]
    return min(stopped, key=lambda found: found.value, default=None)


def _tried(cell: Cell) -> bool:
    """Whether a peer has been run that gives right answers."""
    rows = [row for row in cell["rows"].values() if row["role"] == "peer" and not row.get("wrong")]
    return any(row.get("status", "absent") != "absent" for row in rows)


def _without_gc(row: Row) -> float:
    found = times(row)
    return math.inf if found is None else found.without_gc


def _place(about: dict[str, Any]) -> tuple[Any, ...]:
    return about["method"], about["rows"], about["dim"], about["classes"], about["k"], about["kind"] != "mixture"


def _summary(cells: list[Cell]) -> str:
    lines = [
        "| input | Querist, s | MB | fastest peer | its s | ratio | plain loop, ratio |\n",
        "|" + "---|" * 7 + "\n",
    ]
    for cell in cells:
        querist = cell["rows"].get("Querist", {})
        ours, best = times(querist), fastest(cell, role="peer")
        shown = (
            cell["about"]["title"],
            seconds(querist),
            f"{ours.peak_mb:,.0f}" if ours else "",
            best[0] if best else "none finished" if _tried(cell) else "none was run",
            seconds(best[1]) if best else "",
            str(beaten_by(cell, role="peer") or ""),
            str(beaten_by(cell, role="reference") or ""),
        )
        lines.append(f"| {' | '.join(shown)} |\n")
    return "".join(lines)


def _case(cell: Cell) -> str:
    rows = sorted(cell["rows"].items(), key=lambda pair: _order(pair[1]))
    querist = cell["rows"].get("Querist", {})
    qualities = list(dict.fromkeys(name for _, row in rows for name in row.get("quality") or {}))
    head = ["", "seconds (range)", "of it gc", "MB", *qualities, "same picks", "ratio", ""]
    lines = [f"| {' | '.join(head)} |\n", "|" + "---|" * len(head) + "\n"]
    for name, row in rows:
        found, same = times(row), row.get("same")
        shown = (
            f"**{name}**" if row["role"] == "querist" else f"*{name}*" if row["role"] == "reference" else name,
            seconds(row, wide=True),
            f"{found.gc_s:.2f}" if found and found.gc_s >= 0.05 else "",
            f"{found.peak_mb:,.0f}" if found else "",
            *(_number((row.get("quality") or {}).get(quality)) for quality in qualities),
            "" if same is None or row["role"] == "querist" else f"{same:.0%}",
            "" if row["role"] == "querist" else str(ratio(row, querist) or ""),
            "; ".join(filter(None, [row.get("note"), row.get("wrong") and f"**{row['wrong']}**"])),
        )
        lines.append(f"| {' | '.join(shown)} |\n")
    return "".join(lines)


def _alone(cells: list[Cell]) -> str:
    lines = ["| method | input | seconds | MB beside the input |\n|---|---|---|---|\n"]
    for cell in cells:
        about, row = cell["about"], cell["rows"].get("Querist", {})
        found = times(row, stored=about["stored"])
        peak = f"{found.peak_mb:,.0f}" if found else ""
        lines.append(f"| {about['method']} | {about['title']} | {seconds(row, wide=True)} | {peak} |\n")
    return "".join(lines)


def _growth(cells: list[Cell]) -> str:
    sizes = sorted({cell["about"]["rows"] for cell in cells})
    head = " | ".join(f"{size:,}" for size in sizes)
    lines = [f"| method | kind | {head} | grows as |\n", "|" + "---|" * (len(sizes) + 3) + "\n"]
    for (method, kind), line in growth_lines(cells).items():
        shown = [seconds(line[size]) if size in line else "" for size in sizes]
        power = growth_power({size: found.seconds for size, row in line.items() if (found := times(row))})
        lines.append(f"| {method} | {kind} | {' | '.join(shown)} | {'' if power is None else f'n^{power:.2f}'} |\n")
    return "".join(lines)


def growth_lines(cells: list[Cell]) -> dict[tuple[str, str], dict[int, Row]]:
    """Method and kind -> rows -> Querist's row."""
    lines: dict[tuple[str, str], dict[int, Row]] = {}
    for cell in cells:
        about = cell["about"]
        lines.setdefault((about["method"], about["kind"]), {})[about["rows"]] = cell["rows"].get("Querist", {})
    return lines


def growth_power(seconds_by_rows: dict[int, float]) -> float | None:
    """``p`` where time grows as ``n^p`` between the smallest and the largest input; ``None`` with fewer than two."""
    if len(seconds_by_rows) < 2:
        return None
    least, most = min(seconds_by_rows), max(seconds_by_rows)
    return math.log(seconds_by_rows[most] / seconds_by_rows[least]) / math.log(most / least)


def seconds(row: Row, *, wide: bool = False) -> str:
    """Median seconds, with the range if there were several runs; or why there are none."""
    if found := times(row):
        shown = _seconds(found.seconds)
        spread = f" ({_seconds(found.low)} to {_seconds(found.high)})"
        return shown + (spread if wide and len(row["runs"]) > 1 else "")
    status, message = row.get("status"), row.get("message", "").replace("|", "\\|")
    if status == "late":
        return f"> {row['limit_s']:g}"
    return {"memory": f"out of memory: {message}", "failed": f"failed: {message}"}.get(
        str(status), message or "not run"
    )


def _seconds(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1e5 else f"{value:.6g}"


def _order(row: Row) -> tuple[int, float]:
    place = {"querist": 0, "reference": 1}.get(row["role"], 2)
    return place, _without_gc(row) if times(row) else 1e9 if row.get("status") == "late" else 1e12


def _when(known: dict[str, Any]) -> str:
    rows = [row for cell in known["cells"].values() for row in cell["rows"].values() if row.get("runs")]
    dates = sorted({row["date"] for row in rows})
    commits = sorted({row["commit"] for row in rows if row["commit"]})
    about = known["machine"]
    when = " to ".join(dict.fromkeys([*dates[:1], *dates[-1:]]))
    versions = ", ".join(f"{name} {about[name]}" for name in ("python", "torch", "numpy") if name in about)
    return (
        f"\nMeasured {when} on {about['processor']}, {about['cores']} cores, {about['memory']}, {about['system']}; "
        f"{versions}; Querist at {', '.join(commits) or 'an unknown commit'}.\n"
    )
