"""Learning curves as pictures: one plot of a few lines, or a small panel for each of many.

Lines are told apart by colour, marker and dashes, so also by the colour-blind and on grey paper.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKERS = ("o", "s", "^", "D", "v", "P")
DASHES = ((None, None), (5, 2.5), (2, 2), (7, 2, 2, 2), (1, 1.5), (9, 3))


@dataclass(frozen=True, kw_only=True)
class Palette:
    """Colours of a picture. The arms' are told apart by the colour-blind, and by their markers and dashes."""

    ink: str = "#1c2733"
    faint: str = "#6b7785"
    grid: str = "#d9dee4"
    paper: str = "#ffffff"
    arms: tuple[str, ...] = ("#0072b2", "#d55e00", "#009e73", "#8a4f7d", "#b07a00", "#3a3a3a")


@dataclass(frozen=True, kw_only=True)
class Line:
    """A curve with its band.

    Args:
        name: for the legend, or over the panel.
        points: labels and value, in the order of labels.
        band: lowest and highest value at each point; nothing for no band.
        marks: further points in the same colour, not joined: what somebody else measured.
    """

    name: str
    points: Sequence[tuple[float, float]]
    band: Sequence[tuple[float, float]] = ()
    marks: Sequence[tuple[float, float]] = ()


def curves(
    lines: Sequence[Line],
    *,
    value: str,
    levels: Sequence[float] = (),
    low: float | None = None,
    size: tuple[float, float] = (7.6, 4.2),
    legend: str = "lower right",
    palette: Palette | None = None,
) -> Figure:
    """All lines in one plot.

    Args:
        lines: six at most can be told apart.
        value: name of the value axis.
        levels: values to mark across the plot.
        low: where the value axis begins; found if ``None``.
        size: width and height in inches.
        legend: where the names stand, in matplotlib's words.
        palette: colours; for print on white if ``None``.
    """
    palette = palette or Palette()
    with style():
        figure, axes = blank(size, palette=palette)
        for place, line in enumerate(lines):
            draw(axes, line, palette=palette, place=place)
        for level in levels:
            axes.axhline(level, color=palette.faint, linewidth=1, linestyle=(0, (1, 2.5)), zorder=1)
        dress(axes, palette=palette, value=value)
        if low is not None:
            axes.set_ylim(bottom=low)
        axes.legend(frameon=False, labelcolor=palette.ink, loc=legend)
    return figure


def panels(
    lines: Sequence[Line],
    *,
    value: str,
    twin: Line | None = None,
    columns: int = 4,
    floor: float = -math.inf,
    palette: Palette | None = None,
) -> Figure:
    """A panel a line, all on the same axes, with a line at zero: for differences to a baseline.

    Args:
        lines: one a panel, named above it.
        value: name of the value axis.
        twin: drawn thin and dashed in every panel, to compare with.
        columns: panels side by side.
        floor: the value axis begins here at the lowest, so that one bad line does not flatten all others; a line that
            goes below is named with an arrow.
        palette: colours; for print on white if ``None``.
    """
    from matplotlib.figure import Figure

    palette = palette or Palette()
    columns = min(columns, max(1, len(lines)))
    rows = math.ceil(len(lines) / columns)
    with style(8.5):
        figure = Figure(figsize=(2.1 * columns, 1.65 * rows + 0.45), layout="constrained")
        figure.patch.set_facecolor(palette.paper)
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for axes, line in zip(grid.flat, lines, strict=False):
            axes.axhline(0, color=palette.faint, linewidth=1)
            if twin is not None:
                labels, values = zip(*twin.points, strict=True)
                axes.plot(labels, values, color=palette.faint, linewidth=1, dashes=(3, 2))
            draw(axes, line, palette=palette, place=0, marker="")
            dress(axes, palette=palette)
            below = any(value < floor for _, value in line.points)
            axes.set_title(f"{line.name} \u2193" if below else line.name, fontsize=8.5, color=palette.ink, loc="left")
        if grid.flat[0].get_ylim()[0] < floor:
            grid.flat[0].set_ylim(bottom=floor)  # shared by all
        for axes in grid.flat[len(lines) :]:
            axes.set_visible(False)
        for axes in grid.flat[max(0, len(lines) - columns) : len(lines)]:
            axes.tick_params(labelbottom=True)
        figure.supxlabel("labels", fontsize=8.5, color=palette.ink)
        figure.supylabel(value, fontsize=8.5, color=palette.ink)
    return figure


def draw(axes: Any, line: Line, *, palette: Palette, place: int, marker: str | None = None) -> None:
    """One line with its band and its marks, in the colour, dashes and marker of its place."""
    if not line.points:
        return
    colour = palette.arms[place % len(palette.arms)]
    sign = MARKERS[place % len(MARKERS)] if marker is None else marker
    labels, values = zip(*line.points, strict=True)
    if line.band:
        lowest, highest = zip(*line.band, strict=True)
        axes.fill_between(labels, lowest, highest, color=colour, alpha=0.16, linewidth=0)
    (drawn,) = axes.plot(
        labels, values, color=colour, linewidth=2 if sign else 1.6, marker=sign, markersize=4.5, label=line.name
    )
    if DASHES[place % len(DASHES)][0] is not None:
        drawn.set_dashes(DASHES[place % len(DASHES)])
    if line.marks:
        axes.plot(
            *zip(*line.marks, strict=True),
            linestyle="none",
            marker=sign or "o",
            markersize=8,
            markerfacecolor=palette.paper,
            markeredgecolor=colour,
            zorder=3,
        )


def dress(axes: Any, *, palette: Palette, value: str = "") -> None:
    """Names and grid, no box."""
    if value:
        axes.set_xlabel("labels", color=palette.ink)
        axes.set_ylabel(value, color=palette.ink)
    axes.grid(True, color=palette.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, colors=palette.faint)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.margins(x=0.02)


def svg(figure: Figure, *, title: str) -> str:
    """A figure as an SVG file: the same figure gives the same text, so a picture that did not change is no change.

    Args:
        figure: drawn by the above.
        title: what a screen reader says.
    """
    import matplotlib as mpl

    stream = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "querist", "svg.fonttype": "none"}):
        figure.savefig(stream, format="svg", metadata={"Date": None, "Title": title})
    # Dates and tools are of no interest, and blanks at ends of lines annoy those who compare.
    return re.sub(r"[ \t]+$", "", stream.getvalue(), flags=re.MULTILINE)


def style(size: float = 10.5) -> Any:
    """The context to draw in: sizes, and text that stays text."""
    import matplotlib as mpl

    return mpl.rc_context({"font.family": "sans-serif", "font.size": size, "svg.fonttype": "none"})


def blank(size: tuple[float, float], *, palette: Palette) -> tuple[Figure, Any]:
    """An empty figure and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    figure.patch.set_facecolor(palette.paper)
    axes = figure.add_subplot()
    axes.set_facecolor("none")
    return figure, axes
