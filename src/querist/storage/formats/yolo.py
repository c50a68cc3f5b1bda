"""YOLO: a text file a picture, a line a thing, places as shares of the picture's sides; and ``data.yaml``.

The folder is laid out as trainers want it: ``data.yaml`` with the classes, ``labels/`` with a file for each picture of
``images/`` (put them there, or link them), and lists of the pictures of each split. A line is a class, counted from 0,
then the middle and the size of a box (detection) or the corners of an outline (segmentation). These files do not say
how large a picture is, so ``rows.csv`` does; where it is lacking, as in a folder from elsewhere, the pictures must lie
in ``images/``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from querist.core.errors import DataError
from querist.core.labels import Box, Boxes, Label, Polygon, Regions
from querist.core.labels.kinds import MASKS, PARTS
from querist.storage.formats.base import FolderFormat, LabelRecord, record_from
from querist.storage.formats.picture_files import picture_size, pictures_below
from querist.storage.formats.rows_table import FileNames, RowsWriter, file_key, read_rows, write_split_files

_SPLITS = {"train": "train", "val": "validation", "valid": "validation", "validation": "validation", "test": "test"}
_GRAIN = 1e-6
"""Six digits are what most tools write: what is out by less lies on the edge."""


class Yolo(FolderFormat):
    """Boxes, or outlines in one part each.

    Example:
        >>> import tempfile
        >>> label = Boxes(width=640, height=480, boxes=(Box(x=0, y=0, w=320, h=120, label="cat"),)).to_plain()
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Yolo().write([LabelRecord(key="a.jpg", label=label)], Path(folder), kind="boxes")
        ...     Path(folder, "labels", "a.txt").read_text()
        '0 0.25 0.125 0.5 0.25\\n'
    """

    holds = frozenset({"boxes", "segmentation"})
    lacks = frozenset({MASKS, PARTS})
    note = "A folder with `data.yaml`, `labels/` and `rows.csv`; pictures are called by their keys."

    def write(self, records: Iterable[LabelRecord], folder: Path, *, kind: str, classes: Sequence[str] = ()) -> None:
        numbers = {name: number for number, name in enumerate(classes)}
        files = FileNames()
        splits: dict[str, list[str]] = {"train": []}
        with RowsWriter(folder, more=("width", "height")) as rows:
            for record in records:
                label = _label(kind).from_plain(record.label)
                parts = label.boxes if isinstance(label, Boxes) else label.regions
                numbered = [(numbers.setdefault(part.label, len(numbers)), part) for part in parts]
                text = "".join(f"{number} {_line(part, label.width, label.height)}\n" for number, part in numbered)
                listed = f"./images/{file_key(record.key)}"
                files.claim(folder / label_file(listed), record.key).write_text(text, encoding="utf-8")
                rows.add(record, label.width, label.height)
                splits.setdefault(record.split if record.split in ("validation", "test") else "train", []).append(
                    listed
                )
        write_split_files(folder, splits)
        (folder / "data.yaml").write_text(_yaml(splits, list(numbers)), encoding="utf-8")

    def read(self, folder: Path, *, kind: str) -> Iterator[LabelRecord]:
        names = read_names(folder)
        known = set()
        for place, cells in read_rows(folder, more=("width", "height")):
            try:
                size = tuple(int(cells[side]) for side in ("width", "height"))
            except ValueError:
                raise DataError(f"{place}: the size of the picture is no number", hint="export again") from None
            file = label_file(f"./images/{cells['key']}")
            known.add(file)
            yield _record(folder, file, cells, size, names, kind)
        for file, picture, key in _others(folder, known):
            split = _SPLITS.get(key.parts[0], "") if len(key.parts) > 1 else ""
            yield _record(folder, file, {"key": key.as_posix(), "split": split}, picture_size(picture), names, kind)


def label_file(listed: str) -> PurePosixPath:
    """The file of labels that trainers look for beside a picture of a list.

    Example:
        >>> label_file("./images/train/a.jpg")
        PurePosixPath('labels/train/a.txt')
    """
    there = "/labels/".join(listed.rsplit("/images/", 1))
    return PurePosixPath(there.rpartition(".")[0] + ".txt")


def _label(kind: str) -> type[Boxes] | type[Regions]:
    return Boxes if kind == "boxes" else Regions


def _line(part: Any, width: int, height: int) -> str:
    """A box or an outline as shares of the sides; ten digits tell a thousandth of a pixel in any picture."""
    if isinstance(part, Box):
        numbers = [(part.x + part.w / 2) / width, (part.y + part.h / 2) / height, part.w / width, part.h / height]
    else:
        assert isinstance(part, Polygon)
        numbers = [share for x, y in part.points for share in (x / width, y / height)]
    return " ".join(f"{number:.10g}" for number in numbers)


def _yaml(splits: dict[str, list[str]], names: list[str]) -> str:
    """``data.yaml``. No path stands in it, so the folder may be moved."""
    lines = ["train: train.txt"]
    if splits.get("validation"):
        lines.append("val: val.txt")
    else:
        lines += ["# No picture for validation has a label: name your own here.", "val: train.txt"]
    if splits.get("test"):
        lines.append("test: test.txt")
    listed = [f"  {number}: {_quoted(name)}" for number, name in enumerate(names)]
    return "\n".join([*lines, "names:" if names else "names: {}", *listed, ""])


def _quoted(name: str) -> str:
    """A name as a YAML text: a JSON one, but for signs that YAML takes for line ends or for none at all."""
    return re.sub(
        "[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]",
        lambda sign: f"\\u{ord(sign[0]):04x}",
        json.dumps(name, ensure_ascii=False),
    )


def read_names(folder: Path) -> list[str]:
    """The classes of ``data.yaml``, or of ``classes.txt`` in older folders.

    Raises:
        DataError: neither is there, or it names no classes.
    """
    import yaml

    found = [file for file in (folder / "data.yaml", *sorted(folder.glob("*.yaml"))) if file.is_file()]
    if not found and (folder / "classes.txt").is_file():
        return [
            line.strip() for line in (folder / "classes.txt").read_text(encoding="utf-8").splitlines() if line.strip()
        ]
    if not found:
        raise DataError(f"{folder} has no data.yaml", hint="give the folder that holds it, or a classes.txt")
    try:
        whole = yaml.safe_load(found[0].read_text(encoding="utf-8"))
    except (yaml.YAMLError, RecursionError) as error:
        raise DataError(f"{found[0].name} is no YAML: {error}", hint="repair it") from None
    names = whole.get("names") if isinstance(whole, dict) else None
    if isinstance(names, dict) and sorted(names, key=str) == sorted(range(len(names)), key=str):
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list) or not all(isinstance(name, str | int) for name in names):
        raise DataError(f"{found[0].name} has no list of names", hint="write names: [cat, dog]")
    return [str(name) for name in names]


def _others(folder: Path, known: set[PurePosixPath]) -> Iterator[tuple[PurePosixPath, Path, PurePosixPath]]:
    """Files of labels that no table names, each with its picture and that picture's key."""
    for path in sorted(folder.rglob("*.txt")):
        file = PurePosixPath(path.relative_to(folder).as_posix())
        if "labels" not in file.parts[:-1] or file in known:
            continue
        at = len(file.parts) - 2 - file.parts[-2::-1].index("labels")
        picture = pictures_below(folder.joinpath(*file.parts[:at], "images", *file.parts[at + 1 :]))
        if picture is None:
            raise DataError(
                f"{file}: there is no picture of that name in {'/'.join((*file.parts[:at], 'images'))}",
                hint="put the pictures there, since labels are shares of their sides",
            )
        yield file, picture, PurePosixPath(*file.parts[:at], *file.parts[at + 1 : -1], picture.name)


def _record(
    folder: Path, file: PurePosixPath, cells: dict[str, Any], size: Any, names: list[str], kind: str
) -> LabelRecord:
    width, height = size
    parts = []
    for number, line in enumerate((folder / file).read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            parts.append(_part(line.split(), width, height, names, kind, f"{file} line {number}"))
    label: Label = {"width": width, "height": height, "boxes" if kind == "boxes" else "regions": parts}
    return record_from({**cells, "label": label}, kind=kind, place=str(file))


def _part(words: list[str], width: int, height: int, names: list[str], kind: str, place: str) -> dict[str, Any]:
    """The box or outline of a line."""
    if not words[0].isdecimal() or int(words[0]) >= len(names):
        raise DataError(
            f"{place}: there is no class {words[0]!r}", hint=f"the classes of data.yaml are 0 to {len(names) - 1}"
        )
    label = names[int(words[0])]
    try:
        shares = [float(word) for word in words[1:]]
    except ValueError:
        raise DataError(f"{place} has what is no number", hint="write a class and shares of the sides") from None
    if kind == "boxes":
        if len(shares) != 4:
            raise DataError(f"{place} has {len(shares)} numbers behind the class", hint="a box has 4")
        x, y, w, h = shares
        edges = [_on_side(share, side, place) for share, side in ((x - w / 2, width), (x + w / 2, width))]
        edges += [_on_side(share, side, place) for share, side in ((y - h / 2, height), (y + h / 2, height))]
        try:
            return Box.between(edges[0], edges[2], edges[1], edges[3], label=label).to_plain()
        except DataError as error:
            raise DataError(f"{place}: {error.message}", hint=error.hint) from None
    if len(shares) < 6 or len(shares) % 2:
        raise DataError(
            f"{place} has {len(shares)} numbers behind the class", hint="an outline has x and y of 3 corners"
        )
    corners = zip(shares[::2], shares[1::2], strict=True)
    points = [[_on_side(x, width, place), _on_side(y, height, place)] for x, y in corners]
    return {"points": points, "label": label}


def _on_side(share: float, side: int, place: str) -> float:
    """A share of a side in pixels."""
    if not -_GRAIN <= share <= 1 + _GRAIN:
        raise DataError(f"{place} is outside the picture", hint="shares of a side go from 0 to 1")
    return min(max(share, 0.0), 1.0) * side
