"""Reading a damaged file ends in records or in an error of ours; writing ends with all or with nothing."""

from __future__ import annotations

import errno
import random
from pathlib import Path
from typing import Any

import pytest

from querist.core.errors import NotDurable, QueristError
from querist.storage.formats import registry
from querist.storage.formats.base import FileFormat, LabelRecord
from querist.storage.labels_file import export_labels, import_labels

BOXES = {
    "width": 90,
    "height": 80,
    "boxes": [{"x": n, "y": 2, "w": 10.5, "h": 20, "label": f"cat {n}"} for n in (1, 2)],
}
RING = [[0, 0], [5.25, 0], [5, 5]]
REGIONS = {"width": 10, "height": 10, "regions": [{"points": RING, "label": "roof"}, {"points": RING, "label": "wall"}]}
LABELS: dict[str, tuple[Any, Any]] = {
    "classification": ("cat", None),
    "multilabel": (["cat", "dog"], None),
    "regression": (1.25, None),
    "tokens": (["O", "B-a"], ["met", "Ada"]),
    "spans": ([{"start": 0, "end": 3, "label": "person"}], "Ada met 🙂"),
    "boxes": (BOXES, None),
    "segmentation": (REGIONS, None),
    "text": ("some words", None),
}
PAIRS = [(name, kind) for name in registry for kind in LABELS if kind in registry[name].holds]


def records(kind: str, count: int = 3) -> list[LabelRecord]:
    label, payload = LABELS[kind]
    return [
        LabelRecord(row=row, key=f"train/{row}.jpg", split="train", annotators=("ann",), label=label, payload=payload)
        for row in range(count)
    ]


def read(path: Path, name: str, kind: str) -> bool:
    """Whether it could be read; an error of ours otherwise, and no other error at all."""
    try:
        import_labels(path, format=name, kind=kind)
    except QueristError:
        return False
    return True


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_a_damaged_file_is_refused_or_read_and_nothing_else(name: str, kind: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export_labels(records(kind), out, format=name, kind=kind)
    assert read(out, name, kind)
    draw = random.Random(0)
    refused = 0
    for file in [out] if out.is_file() else [one for one in sorted(out.rglob("*")) if one.is_file()]:
        whole = file.read_bytes()
        for _ in range(15):
            at = draw.randrange(len(whole)) if whole else 0
            file.write_bytes(whole[:at])
            refused += not read(out, name, kind)
            file.write_bytes(whole[:at] + bytes([draw.randrange(256)]) + whole[at + 1 :])
            refused += not read(out, name, kind)
        file.write_bytes(whole)
    assert read(out, name, kind)
    assert refused >= 5


@pytest.mark.parametrize("name", ["yolo", "voc"])
def test_a_full_disk_leaves_no_part_of_a_folder(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = 0
    write_text = Path.write_text

    def full(self: Path, *words: Any, **more: Any) -> int:
        nonlocal written
        written += 1
        if written > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_text(self, *words, **more)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(NotDurable, match="out cannot be written: No space left on device"):
        export_labels(records("boxes", 5), tmp_path / "out", format=name, kind="boxes")
    assert written == 3
    assert not list(tmp_path.iterdir())


FIRST_KINDS = {name: kind for name, kind in reversed(PAIRS) if issubclass(registry[name], FileFormat)}


@pytest.mark.parametrize(("name", "kind"), FIRST_KINDS.items())
def test_records_are_written_as_they_come(name: str, kind: str, tmp_path: Path) -> None:
    """After many records much of the file is there already: none waits for the last one."""
    label, payload = LABELS[kind]
    count, seen = 20_000, [0]
    out = tmp_path / "out"

    def coming() -> Any:
        for row in range(count):
            if row == count - 1:
                seen[0] = sum(file.stat().st_size for file in tmp_path.iterdir())
            yield LabelRecord(row=row, key=str(row), label=label, payload=payload)

    export_labels(coming(), out, format=name, kind=kind)
    assert seen[0] > 0.2 * out.stat().st_size
