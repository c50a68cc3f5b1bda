"""Export, import, export is the identity for every format and every kind of labels that it holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from querist.core.labels import KINDS, Label, classes_of, features
from querist.storage.formats import registry
from querist.storage.formats.base import LabelRecord
from querist.storage.labels_file import export_labels, import_labels

PAIRS = [(name, kind) for name in registry for kind in KINDS if kind in registry[name].holds]
TABLES = ("csv", "jsonl", "parquet")

letters = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6)
classes = st.sampled_from(["cat", "dog & <cow>", "Käse", "no: 7", "'quoted\"", "👩‍🚀"]) | letters.map(str.strip).filter(
    bool
)
names_of_files = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"], exclude_characters="/\\"), max_size=6
)
sides = st.integers(1, 5000)


@st.composite
def within(draw: Any, side: int) -> tuple[float, float]:
    """Two places on a side, one behind the other, to a thousandth of a pixel."""
    low = draw(st.integers(0, side * 1000 - 1))
    return low / 1000, draw(st.integers(low + 1, side * 1000)) / 1000


@st.composite
def boxes(draw: Any) -> Label:
    width, height, found = draw(sides), draw(sides), []
    for name in draw(st.lists(classes, max_size=4)):
        (left, right), (top, bottom) = draw(within(width)), draw(within(height))
        found.append({"x": left, "y": top, "w": right - left, "h": bottom - top, "label": name})
    return {"width": width, "height": height, "boxes": found}


@st.composite
def segmentation(draw: Any, *, parts: bool, masks: bool) -> Label:
    width, height = draw(st.integers(1, 60)), draw(st.integers(1, 60))
    corner = st.tuples(st.integers(0, width * 1000), st.integers(0, height * 1000)).map(
        lambda at: [v / 1000 for v in at]
    )
    ring = st.lists(corner, min_size=3, max_size=6)
    found: list[dict[str, Any]] = []
    for name in draw(st.lists(classes, max_size=3)):
        if masks and draw(st.booleans()):
            cuts = draw(st.sets(st.integers(0, width * height), min_size=1, max_size=6))
            ends = sorted({*cuts, width * height})
            counts = [after - before for before, after in zip([0, *ends], ends, strict=False)]
            assume(sum(counts[1::2]))
            found.append({"counts": counts, "label": name})
        else:
            also = draw(st.lists(ring, max_size=2)) if parts else []
            found.append({"points": draw(ring), "label": name, **({"also": also} if also else {})})
    return {"width": width, "height": height, "regions": found}


texts = st.text(st.sampled_from('ab 🙂é\n\t.,"#-\u00a0'), min_size=1, max_size=20)


@st.composite
def text_and_spans(draw: Any, *, overlap: bool, edges: bool) -> tuple[str, Label]:
    text, found = draw(texts), []
    for name in draw(st.lists(classes, max_size=4)):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        inner = text[start:end]
        if (edges or inner == inner.strip()) and (
            overlap or all(end <= one["start"] or one["end"] <= start for one in found)
        ):
            found.append({"start": start, "end": end, "label": name})
    return text, sorted(found, key=lambda one: (one["start"], one["end"], one["label"]))


@st.composite
def tokens_and_tags(draw: Any) -> tuple[list[str], Label]:
    token = st.text(st.sampled_from("ab .#-é🙂"), min_size=1, max_size=5)
    tokens = draw(st.lists(token, max_size=5))
    tag = classes.filter(lambda name: not any(sign.isspace() for sign in name))
    return tokens, draw(st.lists(tag, min_size=len(tokens), max_size=len(tokens)))


@st.composite
def records_of(draw: Any, name: str, kind: str) -> list[LabelRecord]:
    """Records that the format can hold, with all that it says it keeps."""
    form, found = registry[name], []
    any_names = st.lists(letters, max_size=2).map(tuple)
    keys = draw(st.lists(names_of_files, min_size=0, max_size=5, unique=True))
    for row, key in enumerate(keys):
        payload: Any = None
        if kind == "spans":
            payload, label = draw(text_and_spans(overlap=not form.lacks, edges=name != "conll"))
        elif kind == "tokens":
            payload, label = draw(tokens_and_tags())
        else:
            payload = draw(texts) if name not in TABLES and kind not in ("boxes", "segmentation") else None
            whole = not form.lacks or name in TABLES
            label = draw(
                {
                    "classification": classes,
                    "multilabel": st.lists(classes, max_size=3, unique=True),
                    "regression": st.floats(allow_nan=False, allow_infinity=False),
                    "text": letters,
                    "boxes": boxes(),
                    "segmentation": segmentation(
                        parts=whole or "outlines in several parts" not in form.lacks,
                        masks=whole or "masks" not in form.lacks,
                    ),
                }[kind]
            )
        found.append(
            LabelRecord(
                label=label,
                row=draw(st.sampled_from([None, row, row + 7])) if key else row,
                key=f"{row // 2}/{row} {key}.jpg",
                split=draw(st.sampled_from(["", "train", "validation", "test"])),
                annotators=draw(any_names),
                round=draw(st.none() | st.integers(0, 99)),
                reason=draw(st.just("") | letters),
                payload=payload,
            )
        )
    rows = [record.row for record in found if record.row is not None]
    assume(len(set(rows)) == len(rows))
    return found


def content(path: Path) -> dict[str, bytes]:
    """Every file of an export, by its name."""
    if path.is_file():
        return {"": path.read_bytes()}
    return {str(file.relative_to(path)): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_export_import_export_is_the_identity(name: str, kind: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    @settings(max_examples=25)
    @given(records_of(name, kind), st.booleans())
    def check(records: list[LabelRecord], declared: bool) -> None:
        folder = tmp_path_factory.mktemp("out")
        known = sorted({one for record in records for one in classes_of(record.label, kind=kind)}) if declared else []
        how: dict[str, Any] = {"format": name, "kind": kind}
        assert export_labels(records, folder / "first", classes=known, **how) == len(records)
        back = import_labels(folder / "first", **how)
        assert back == [replace(record, label=one.label) for record, one in zip(records, back, strict=True)]
        assert [near(one.label) for one in back] == [near(record.label) for record in records]
        if kind in registry[name].carries:
            assert [one.payload for one in back] == [record.payload for record in records]
        export_labels(back, folder / "second", classes=known, **how)
        assert content(folder / "second") == content(folder / "first")

    check()


def near(label: Label) -> Label:
    """Floats that were made by a subtraction in this file, to the grain of a thousandth."""
    if isinstance(label, dict):
        return {name: near(value) for name, value in label.items()}
    if isinstance(label, list | tuple):
        return [near(value) for value in label]
    return round(label, 3) if isinstance(label, float) and abs(label) < 1e9 else label


def test_every_pair_of_the_table_is_tried() -> None:
    assert {name for name, _ in PAIRS} == set(registry)
    assert {kind for _, kind in PAIRS} == set(KINDS)
    assert len(PAIRS) >= 24


def test_features_tell_what_a_format_may_lack() -> None:
    parts = {"points": [[0, 0], [1, 0], [1, 1]], "also": [[[0, 0], [1, 0], [1, 1]]], "label": "a"}
    label = {"width": 2, "height": 2, "regions": [parts, {"counts": [1, 3], "label": "a"}]}
    assert features(label, kind="segmentation") == {"masks", "outlines in several parts"}
    assert features({**label, "regions": []}, kind="segmentation") == set()
