from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from querist.core.errors import DataError, QueristError, UnknownName
from querist.core.labels import KINDS, Box, Boxes, Mask, Polygon, Regions, Span, checked_label, classes_of, spans
from querist.core.labels.pixels import pixels
from querist.tasks import registry as tasks

LABELS: dict[str, Any] = {
    "classification": "cat",
    "multilabel": ["cat", "dog"],
    "regression": 1.5,
    "tokens": ["O", "B-person"],
    "spans": [{"start": 0, "end": 3, "label": "person"}],
    "boxes": {"width": 640, "height": 480, "boxes": [{"x": 1, "y": 2.5, "w": 3, "h": 4, "label": "cat"}]},
    "segmentation": {
        "width": 3,
        "height": 2,
        "regions": [
            {"points": [[0, 0], [2.125, 0], [2, 2]], "label": "roof"},
            {"points": [[0, 0], [1, 0], [1, 1]], "label": "roof", "also": [[[2, 1], [3, 1], [3, 2]]]},
            {"counts": [1, 3, 2], "label": "road"},
        ],
    },
    "text": "one line\nand another",
}


def test_every_kind_is_tried_and_every_task_has_one() -> None:
    assert set(LABELS) == set(KINDS) >= set(tasks)


@pytest.mark.parametrize("kind", KINDS)
def test_a_checked_label_is_plain_data_and_stays_as_it_is(kind: str) -> None:
    label = checked_label(LABELS[kind], kind=kind)
    assert label == LABELS[kind]
    again = json.loads(json.dumps(label))
    assert json.dumps(checked_label(again, kind=kind)) == json.dumps(label)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [None, "", float("nan"), True, object(), {"label": "cat"}, [["cat"]], [None]])
def test_what_is_no_label_is_refused_with_a_hint(kind: str, value: Any) -> None:
    with pytest.raises(DataError) as caught:
        checked_label(value, kind=kind)
    assert caught.value.hint


def test_unknown_kinds_are_named() -> None:
    with pytest.raises(UnknownName, match="did you mean 'boxes'"):
        checked_label({}, kind="boxs")


def box(**changes: Any) -> dict[str, Any]:
    return {"x": 0, "y": 0, "w": 10, "h": 10, "label": "cat", **changes}


def picture(*boxes: Any, width: Any = 20, height: Any = 10) -> dict[str, Any]:
    return {"width": width, "height": height, "boxes": list(boxes)}


def regions(*found: Any) -> dict[str, Any]:
    return {"width": 20, "height": 10, "regions": list(found)}


SQUARE = {"points": [[0, 0], [5, 0], [5, 5], [0, 5]], "label": "roof"}


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("boxes", picture(box(), box(x=10.001)), "box 2: the right edge is 20.001, outside the picture's 20 pixels"),
        ("boxes", picture(box(y=0.5)), "box 1: the lower edge is 10.5, outside"),
        ("boxes", picture(box(x=-1)), "box 1: the left edge is -1, outside"),
        ("boxes", picture(box(w=0)), "box 1: a box is 0 by 10 pixels"),
        ("boxes", picture(box(h=-3)), "box 1: a box is 10 by -3 pixels"),
        ("boxes", picture(box(x="0")), "box 1: x is '0'; give a number of pixels"),
        ("boxes", picture(box(x=float("inf"))), "box 1: x is inf"),
        ("boxes", picture(box(x=True)), "box 1: x is True"),
        ("boxes", picture(box(label="")), "box 1: the class of a box is ''"),
        ("boxes", picture({"x": 0}), "box 1: a box lacks y, w, h, label"),
        ("boxes", picture(box(angle=30)), "box 1: a box has the field 'angle'; known: x, y, w, h, label"),
        ("boxes", picture(3), "box 1: a box is 3; give an object"),
        ("boxes", picture(width=0), "the picture's width is 0"),
        ("boxes", picture(height=10.5), "the picture's height is 10.5"),
        ("boxes", {"width": 3, "height": 3}, "the label lacks boxes"),
        ("boxes", {**picture(), "boxes": "none"}, "the boxes are 'none'"),
        ("spans", [{"start": 3, "end": 3, "label": "a"}], "span 1: a span goes from 3 to 3"),
        ("spans", [{"start": -1, "end": 3, "label": "a"}], "span 1: start is -1"),
        ("spans", [{"start": 0.5, "end": 3, "label": "a"}], "span 1: start is 0.5"),
        ("spans", [{"start": 0, "end": 3, "label": 7}], "span 1: the class of a span is 7"),
        (
            "segmentation",
            regions(SQUARE, {**SQUARE, "points": [[0, 0], [21, 0], [5, 5]]}),
            "region 2: a corner's x is 21",
        ),
        ("segmentation", regions({**SQUARE, "points": [[0, 0], [1, 1]]}), "region 1: a polygon has 2 corners"),
        ("segmentation", regions({**SQUARE, "points": [[0], [1], [2]]}), "region 1: a corner is [0]"),
        ("segmentation", regions({**SQUARE, "also": [[[0, 0], [9, 11], [3, 3]]]}), "region 1: a corner's y is 11"),
        (
            "segmentation",
            regions({"counts": [1, 2], "label": "a"}),
            "the runs of a mask are 3 pixels, the picture has 200",
        ),
        ("segmentation", regions({"counts": [200], "label": "a"}), "region 1: a mask has no pixel inside"),
        ("segmentation", regions({"counts": [1, -1, 200], "label": "a"}), "region 1: a run is -1"),
    ],
)
def test_parts_that_cannot_be_are_named(kind: str, value: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        checked_label(value, kind=kind)
    assert message in str(caught.value)


def test_the_order_of_spans_says_nothing() -> None:
    one, other = ({"start": at, "end": at + 2, "label": "a"} for at in (0, 5))
    assert checked_label([other, one], kind="spans") == [one, other]


def test_spans_count_characters() -> None:
    assert Span(start=2, end=5, label="person").of("🙂 Ada") == "Ada"
    with pytest.raises(DataError, match="ends at 9, the text has 5"):
        Span(start=2, end=9, label="person").of("🙂 Ada")


@given(st.floats(0, 1e6))
def test_pixels_come_back_from_shares_and_percents(value: float) -> None:
    side = 4032
    place = pixels(value % side, "x")
    assert pixels(place / side * side, "x") == place
    assert pixels(place * (100 / side) * (side / 100), "x") == place
    assert abs(place - value % side) <= 0.0005 + 1e-9
    assert pixels(place, "x") == place


def test_a_mask_has_one_way_to_be_written() -> None:
    assert Mask(counts=(0, 2, 0, 3, 4), label="a").counts == (0, 5, 4)
    assert Mask(counts=(1, 0, 2, 3, 0, 0, 2), label="a").counts == (3, 3, 2)
    assert Mask(counts=(1, 2, 0), label="a").counts == (1, 2)


@given(st.integers(1, 6), st.integers(1, 6), st.data())
def test_a_mask_knows_its_pixels(width: int, height: int, data: st.DataObject) -> None:
    """Area and bounds against a grid that was filled pixel by pixel."""
    grid = data.draw(st.lists(st.booleans(), min_size=width * height, max_size=width * height).filter(any))
    counts, last = [0], False
    for pixel in grid:
        if pixel == last:
            counts[-1] += 1
        else:
            counts.append(1)
            last = pixel
    mask = Mask(counts=tuple(counts), label="a")
    mask.check(width, height)
    inside = [divmod(at, height) for at, pixel in enumerate(grid) if pixel]
    xs, ys = [x for x, _ in inside], [y for _, y in inside]
    assert mask.area == len(inside)
    assert mask.bounds(height) == (min(xs), min(ys), max(xs) - min(xs) + 1, max(ys) - min(ys) + 1)


def test_an_outline_knows_its_area_and_bounds() -> None:
    triangle = Polygon(points=((1, 1), (4, 1), (1, 5)), label="a", also=(((6, 6), (8, 6), (8, 8), (6, 8)),))
    assert triangle.area == 6 + 4
    assert triangle.bounds == (1, 1, 7, 7)


def test_classes_are_found_in_every_kind() -> None:
    found = {kind: classes_of(LABELS[kind], kind=kind) for kind in KINDS}
    assert found == {
        "classification": ["cat"],
        "multilabel": ["cat", "dog"],
        "regression": [],
        "tokens": ["O", "B-person"],
        "spans": ["person"],
        "boxes": ["cat"],
        "segmentation": ["roof", "roof", "road"],
        "text": [],
    }


def test_values_and_plain_data_say_the_same() -> None:
    value = Boxes(width=640, height=480, boxes=[Box.between(1.0, 2, 3, 4, label="cat")])  # type: ignore[arg-type]
    assert Boxes.from_plain(value.to_plain()) == value
    assert value.to_plain()["boxes"] == [{"x": 1, "y": 2, "w": 2, "h": 2, "label": "cat"}]
    assert isinstance(value.boxes, tuple)
    regions = Regions.from_plain(LABELS["segmentation"])
    assert regions.to_plain() == LABELS["segmentation"]
    assert hash(regions) == hash(Regions.from_plain(LABELS["segmentation"]))
    assert spans(LABELS["spans"])[0].to_plain() == LABELS["spans"][0]


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["width", "height", "boxes", "regions", "points", "counts", "label", "x"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    ),
    st.sampled_from(KINDS),
)
def test_no_json_at_all_ends_in_another_error(value: Any, kind: str) -> None:
    with suppress(QueristError):
        checked_label(value, kind=kind)
