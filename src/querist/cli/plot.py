"""Learning curves as pictures: for the report (SVG that follows the page's colours) and for a file of one's own."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

from querist.bench.picture import Line, Palette, blank, draw, dress, style
from querist.core.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from querist.loop.result import RunResult

FORMATS = (".png", ".svg", ".pdf")

# Colours that occur nowhere else, to be exchanged for the page's variables once matplotlib has drawn with them.
_STAND_INS = Palette(
    ink="#010101", faint="#010102", grid="#010103", paper="#010104", arms=("#010105", "#010106", "#010107", "#010108")
)
_VARIABLES = {
    _STAND_INS.ink: "var(--ink)",
    _STAND_INS.faint: "var(--faint)",
    _STAND_INS.grid: "var(--line)",
    _STAND_INS.paper: "var(--paper)",
    **{colour: f"var(--arm-{place})" for place, colour in enumerate(_STAND_INS.arms)},
}


def learning_curve(
    result: RunResult, *, size: tuple[float, float] = (7.6, 4.0), palette: Palette | None = None
) -> Figure:
    """The mean of each arm over its seeds, in a band from the lowest to the highest seed.

    Args:
        result: of a run with at least one closed round in every campaign.
        size: width and height in inches.
        palette: colours; for print on white if ``None``.
    """
    palette = palette or Palette()
    with style():
        figure, axes = blank(size, palette=palette)
        if palette is _STAND_INS:
            figure.patch.set_facecolor("none")
        for place, arm in enumerate(result.arms):
            points = result.band(arm)
            band = [(point.low, point.high) for point in points] if len(result.settings.seeds) > 1 else ()
            line = Line(name=arm, points=[(point.labels, point.value) for point in points], band=band)
            draw(axes, line, palette=palette, place=place)
        if result.settings.target is not None:
            axes.axhline(result.settings.target, color=palette.faint, linewidth=1, linestyle=(0, (1, 2.5)), zorder=1)
            axes.annotate(
                f"target {result.settings.target:g}",
                (0, result.settings.target),
                xycoords=axes.get_yaxis_transform(),
                xytext=(4, 3),
                textcoords="offset points",
                color=palette.faint,
                fontsize=9,
            )
        metric = result.metric.replace("_", " ")
        dress(axes, palette=palette, value=f"test {metric}" + (" (lower is better)" if result.lower_is_better else ""))
        where = "upper right" if result.lower_is_better else "lower right"
        axes.legend(frameon=False, labelcolor=palette.ink, loc=where)
    return figure


def page_svg(figure: Figure, *, title: str, name: str) -> str:
    """A figure drawn with the stand-in colours as an ``svg`` element that takes the page's own.

    Args:
        figure: from :func:`learning_curve`.
        title: what a screen reader says.
        name: unlike that of any other picture on the page; it keeps their internal ids apart.
    """
    import matplotlib as mpl

    stream = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r"url\(#", f"url(#{name}-", text)
    text = re.sub(r'xlink:href="#', f'xlink:href="#{name}-', text)
    # Text takes the page's font, and keeps its size and anchor.
    text = re.sub(r"font: (\d[\d.]*px) [^;\"]*", r"font-size: \1; font-family: inherit", text)
    for stand_in, variable in _VARIABLES.items():
        text = text.replace(stand_in, variable)
    return text.replace("<svg ", f'<svg role="img" aria-label="{_attribute(title)}" ', 1)


def _attribute(text: str) -> str:
    from html import escape

    return escape(text, quote=True)


def page_curves(result: RunResult) -> dict[str, str]:
    """The learning curve for a wide and for a narrow page, as ``svg`` elements."""
    title = f"Learning curves: {', '.join(result.arms)}; the values stand in the table below"
    sizes = {"wide": (8.4, 4.1), "narrow": (4.2, 3.6)}
    return {
        name: page_svg(learning_curve(result, size=size, palette=_STAND_INS), title=title, name=f"curve-{name}")
        for name, size in sizes.items()
    }


def save_curve(result: RunResult, path: Path) -> None:
    """Write the learning curve of a run to a ``.png``, ``.svg`` or ``.pdf`` file.

    Raises:
        UsageError: another ending.
    """
    if path.suffix not in FORMATS:
        raise UsageError(f"{path} has no known ending", hint=f"use one of {', '.join(FORMATS)}")
    figure = learning_curve(result)
    settings = result.settings
    title = f"{', '.join(result.arms)} on {settings.data}"
    figure.suptitle(title, fontsize=12, color=Palette().ink)
    figure.savefig(path, dpi=150)
