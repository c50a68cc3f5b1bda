"""The plot of growth: seconds for a fixed number of picks as the table grows, beside a line that grows as n."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.selection.inputs import KINDS
from benchmarks.selection.results import times
from benchmarks.selection.tables import growth_lines

_MARKS = "osD^v<>Phd*X"


def draw(known: dict[str, Any], file: Path) -> None:
    """An SVG with one panel a kind of input, from what the table's file holds."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    lines = growth_lines([cell for cell in known["cells"].values() if cell.get("rows")])
    methods = sorted({method for method, _ in lines})
    settings = {"svg.hashsalt": "querist", "svg.fonttype": "none", "font.size": 10}
    with plt.rc_context(settings):
        figure, panels = plt.subplots(1, 2, figsize=(10, 5), sharey=True, layout="constrained")
        for panel, kind in zip(panels, KINDS, strict=True):
            for place, method in enumerate(methods):
                found = {
                    rows: run.seconds
                    for rows, row in sorted(lines.get((method, kind), {}).items())
                    if (run := times(row))
                }
                if found:
                    mark, colour = _MARKS[place % len(_MARKS)], f"C{place % 10}"
                    panel.loglog(list(found), list(found.values()), marker=mark, color=colour, ms=5, label=method)
            _guide(panel)
            panel.set(title=f"{kind}, 256 numbers a row, 100 picks", xlabel="rows")
            panel.grid(True, which="major", alpha=0.3)
        panels[0].set_ylabel("seconds")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False)
        file.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(file, format="svg", metadata={"Date": None})
        plt.close(figure)


def _guide(panel: Any) -> None:
    """A line that grows as n, through the middle of what is drawn."""
    drawn = [(x, y) for line in panel.get_lines() for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)]
    if not drawn:
        return
    least, most = min(x for x, _ in drawn), max(x for x, _ in drawn)
    starts = sorted(y for x, y in drawn if x == least)
    start = starts[len(starts) // 2]
    panel.loglog([least, most], [start, start * most / least], "k--", lw=1, label="grows as n")
