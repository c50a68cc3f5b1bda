"""Pictures: every line is there and told apart, and the same figure is the same file."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from querist.bench.picture import Line, curves, panels, svg

A = Line(name="badge", points=[(20, 0.5), (40, 0.8)], band=[(0.4, 0.6), (0.7, 0.9)], marks=[(30, 0.7)])
B = Line(name="random", points=[(20, 0.5), (40, 0.7)])


def test_a_picture_is_an_svg_that_says_what_it_shows() -> None:
    text = svg(curves([A, B], value="accuracy", levels=(0.9,)), title="two curves")
    assert text == svg(curves([A, B], value="accuracy", levels=(0.9,)), title="two curves")
    root = ET.fromstring(text)
    words = {element.text for element in root.iter() if element.text}
    assert {"badge", "random", "accuracy", "labels", "two curves"} <= words
    assert "dc:date" not in text


def test_lines_are_told_apart_without_colour() -> None:
    axes = curves([A, B], value="accuracy").axes[0]
    first, _, second, *_ = axes.lines  # a line, its marks, a line
    assert first.get_marker() != second.get_marker()
    assert first.get_color() != second.get_color()
    assert first.is_dashed() != second.is_dashed()
    assert len(axes.collections) == 1  # one band


def test_a_panel_each_on_the_same_axes() -> None:
    figure = panels([A, B, A, B, A], value="points", twin=B, columns=4)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in shown] == ["badge", "random", "badge", "random", "badge"]
    assert len({axes.get_ylim() for axes in shown}) == 1


def test_a_line_without_points_is_left_out() -> None:
    assert curves([Line(name="empty", points=[]), A], value="accuracy").axes[0].get_legend_handles_labels()[1] == [
        "badge"
    ]


def test_one_bad_line_does_not_flatten_the_others() -> None:
    bad = Line(name="bad", points=[(20, 0.0), (40, -50.0)])
    figure = panels([Line(name="good", points=[(20, 0.0), (40, 2.0)]), bad], value="points", floor=-8)
    assert figure.axes[0].get_ylim()[0] == -8
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["good", "bad \u2193"]
    assert panels([A], value="points", floor=-8).axes[0].get_ylim()[0] > -1
