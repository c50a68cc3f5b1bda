"""Pascal VOC: an XML file a picture, a box an object, corners in pixels.

Paper: everingham2010pascal. Known differences: corners are places between pixels counted from 0, fractions allowed, as
today's tools write them; the challenge's own files count pixels from 1, so their boxes come in one pixel too far to
the right and down at their upper left corners. What XML can hide (entities, other files) is refused unread.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

from querist.core.errors import DataError
from querist.core.labels import Box, Boxes
from querist.storage.formats.base import FolderFormat, LabelRecord, record_from
from querist.storage.formats.rows_table import FileNames, RowsWriter, file_key, read_rows, write_split_files

FOLDER = "Annotations"


class Voc(FolderFormat):
    """Boxes.

    Example:
        >>> import tempfile
        >>> label = Boxes(width=640, height=480, boxes=(Box(x=10, y=20, w=30, h=40, label="cat"),)).to_plain()
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Voc().write([LabelRecord(key="a.jpg", label=label)], Path(folder), kind="boxes")
        ...     tree = ElementTree.parse(f"{folder}/Annotations/a.xml")
        >>> tree.findtext("object/name"), tree.findtext("object/bndbox/xmax")
        ('cat', '40')
    """

    holds = frozenset({"boxes"})
    note = "A folder with `Annotations/` and `rows.csv`; pictures are called by their keys, and boxes count from 0."

    def write(self, records: Iterable[LabelRecord], folder: Path, *, kind: str, classes: Sequence[str] = ()) -> None:
        files = FileNames()
        splits: dict[str, list[str]] = {}
        (folder / FOLDER).mkdir()
        with RowsWriter(folder) as rows:
            for record in records:
                key = file_key(record.key)
                file = _file(key)
                root = _element(key, Boxes.from_plain(record.label))
                ElementTree.indent(root)
                text = ElementTree.tostring(root, encoding="unicode")
                files.claim(folder / file, record.key).write_text(text + "\n", encoding="utf-8", newline="\n")
                rows.add(record)
                splits.setdefault(record.split, []).append(key.with_suffix("").as_posix())
        write_split_files(folder / "ImageSets" / "Main", splits)

    def read(self, folder: Path, *, kind: str) -> Iterator[LabelRecord]:
        known = set()
        for _, cells in read_rows(folder):
            file = _file(PurePosixPath(cells["key"]))
            known.add(file)
            yield record_from({**cells, "label": _label(folder, file)[0]}, kind=kind, place=str(file))
        where = folder / FOLDER if (folder / FOLDER).is_dir() else folder
        for path in sorted(where.rglob("*.xml")):
            file = PurePosixPath(path.relative_to(folder).as_posix())
            if file not in known:
                label, name = _label(folder, file)
                key = PurePosixPath(path.parent.relative_to(where).as_posix()) / PurePosixPath(name).name
                yield record_from({"key": key.as_posix(), "label": label}, kind=kind, place=str(file))


def _file(key: PurePosixPath) -> PurePosixPath:
    return PurePosixPath(FOLDER) / key.with_suffix(".xml")


def _element(key: PurePosixPath, label: Boxes) -> ElementTree.Element:
    """What is said of one picture."""
    root = ElementTree.Element("annotation")
    _add(root, "folder", str(key.parent) if key.parent.parts else "")
    _add(root, "filename", key.name)
    size = _add(root, "size")
    for name, value in (("width", label.width), ("height", label.height), ("depth", 3)):
        _add(size, name, str(value))
    _add(root, "segmented", "0")
    for box in label.boxes:
        if box.label != box.label.strip() or any(unicodedata.category(sign) == "Cc" for sign in box.label):
            raise DataError(f"the class {box.label!r} has signs that XML loses", hint="rename it")
        thing = _add(root, "object")
        for name, text in (("name", box.label), ("pose", "Unspecified"), ("truncated", "0"), ("difficult", "0")):
            _add(thing, name, text)
        corners = _add(thing, "bndbox")
        for side, place in (("xmin", box.x), ("ymin", box.y), ("xmax", box.right), ("ymax", box.bottom)):
            _add(corners, side, str(place))
    return root


def _add(parent: ElementTree.Element, name: str, text: str | None = None) -> ElementTree.Element:
    child = ElementTree.SubElement(parent, name)
    child.text = text
    return child


def _refuse_declarations(content: bytes) -> None:
    """Stop at a document type: entities, which can grow or fetch files, can be declared nowhere else."""

    def refuse(*_: Any) -> None:
        raise DataError("it declares a document type", hint="remove the DOCTYPE")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(content, True)


def _label(folder: Path, file: PurePosixPath) -> tuple[dict[str, Any], str]:
    """The label that a file holds, and what it calls its picture.

    Raises:
        DataError: no XML, or not of this kind; names the place.
    """
    try:
        content = (folder / file).read_bytes()
        _refuse_declarations(content)
        root = ElementTree.fromstring(content)
        if root.tag != "annotation":
            raise DataError(f"it is about {root.tag!r}", hint="Pascal VOC begins with annotation")
        size = root.find("size")
        width, height = (_number(size, side) for side in ("width", "height"))
        boxes = [_box(thing, f"object {number}") for number, thing in enumerate(root.findall("object"), 1)]
    except expat.ExpatError as error:
        raise DataError(
            f"{file} line {error.lineno} is no XML: {expat.ErrorString(error.code)}",
            hint="repair it, or fetch it again",
        ) from None
    except (LookupError, ValueError) as error:  # an encoding that is not known here
        raise DataError(f"{file} is no XML: {error}", hint="save it as UTF-8") from None
    except DataError as error:
        raise DataError(f"{file}: {error.message}", hint=error.hint) from None
    return {"width": width, "height": height, "boxes": boxes}, (root.findtext("filename") or f"{file.stem}.jpg").strip()


def _box(thing: ElementTree.Element, place: str) -> dict[str, Any]:
    try:
        corners = [_number(thing.find("bndbox"), name) for name in ("xmin", "ymin", "xmax", "ymax")]
        return Box.between(*corners, label=(thing.findtext("name") or "").strip()).to_plain()
    except DataError as error:
        raise DataError(f"{place}: {error.message}", hint=error.hint) from None


def _number(parent: ElementTree.Element | None, name: str) -> float:
    text = None if parent is None else parent.findtext(name)
    try:
        return float(text or "")
    except ValueError:
        raise DataError(f"{name} is {text!r}", hint="give a number") from None
