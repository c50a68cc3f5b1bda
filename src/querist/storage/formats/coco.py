"""COCO: one JSON file with pictures, the things in them, and the classes; what many detectors are trained on.

Paper: lin2014microsoft. Known differences: whether a mask stands for a crowd (``iscrowd``) is not kept, and what
Querist knows beside the label stands in a field ``querist`` of each picture, which other readers pass over. Masks are
written as plain run lengths and read as plain or packed ones. A picture without things has an empty label: it was
looked at.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from querist.core.errors import DataError
from querist.core.labels import Box, Boxes, Mask, Polygon, Regions
from querist.storage.formats.base import FileFormat, LabelRecord, record_from
from querist.storage.formats.json_file import dumped, loaded, read_besides, said_besides, write_list

_BESIDES = ("row", "split", "annotators", "round", "reason")


class Coco(FileFormat):
    """Boxes, or outlines and masks. The id of a picture is its row.

    Example:
        >>> import io, json
        >>> file = io.BytesIO()
        >>> label = Boxes(width=640, height=480, boxes=(Box(x=10, y=20, w=30, h=40, label="cat"),)).to_plain()
        >>> Coco().write([LabelRecord(row=3, key="a.jpg", label=label)], file, kind="boxes")
        >>> json.loads(file.getvalue())["annotations"][0]["bbox"]
        [10, 20, 30, 40]
    """

    holds = frozenset({"boxes", "segmentation"})
    note = "Pictures are called by their keys. Read as a whole, since pictures and their things stand apart."
    suffix = ".json"
    counts = "annotation"

    def write(self, records: Iterable[LabelRecord], file: BinaryIO, *, kind: str, classes: Sequence[str] = ()) -> None:
        numbers = {name: number for number, name in enumerate(classes, 1)}
        # Pictures stand before things, and both are told by one pass over the records.
        with tempfile.TemporaryFile() as things:
            file.write(b'{"info": {"description": "labels"}, "images": [')
            write_list(_pictures(records, things, kind, numbers), file)
            file.write(b'\n], "annotations": [')
            things.seek(0)
            shutil.copyfileobj(things, file)
        file.write(b'\n], "categories": [')
        write_list(({"id": number, "name": name, "supercategory": ""} for name, number in numbers.items()), file)
        file.write(b"\n]}\n")

    def read(self, file: BinaryIO, *, kind: str) -> Iterator[LabelRecord]:
        name = Path(file.name).name
        whole = loaded(file)
        pictures, things, categories = (_by_id(whole, part, name) for part in ("images", "annotations", "categories"))
        names = {number: one.get("name") for number, one in categories.items()}
        parts: dict[int, list[Any]] = {number: [] for number in pictures}
        for number, one in things.items():
            place = f"{name} annotation {number}"
            if one.get("image_id") not in pictures:
                raise DataError(f"{place}: there is no image {one.get('image_id')!r}", hint="check image_id")
            if one.get("category_id") not in names:
                raise DataError(
                    f"{place}: there is no category {one.get('category_id')!r}",
                    hint=f"known: {', '.join(f'{known} ({called})' for known, called in list(names.items())[:10])}",
                )
            try:
                size = (pictures[one["image_id"]].get("height"), pictures[one["image_id"]].get("width"))
                parts[one["image_id"]].append(_PART[kind](one, names[one["category_id"]], size))
            except DataError as error:
                raise DataError(f"{place}: {error.message}", hint=error.hint) from None
        for number, picture in pictures.items():
            place = f"{name} image {number} ({picture.get('file_name')})"
            besides = read_besides(picture.get("querist", {}), place=place)
            listed = "boxes" if kind == "boxes" else "regions"
            label = {"width": picture.get("width"), "height": picture.get("height"), listed: parts[number]}
            yield record_from({**besides, "key": picture.get("file_name"), "label": label}, kind=kind, place=place)


def _pictures(
    records: Iterable[LabelRecord], things: BinaryIO, kind: str, numbers: dict[str, int]
) -> Iterator[dict[str, Any]]:
    """The pictures, while their things go to another file."""
    taken: set[int] = set()
    rows: set[int] = set()
    last = 0
    for place, record in enumerate(records, 1):
        if record.row in rows:
            raise DataError(f"row {record.row} comes twice", hint="export each row once")
        number = place if record.row is None else record.row
        while number in taken:
            number += 1
        taken.add(number)
        if record.row is not None:
            rows.add(record.row)
        label = (Boxes if kind == "boxes" else Regions).from_plain(record.label)
        besides = said_besides(record, names=_BESIDES)
        picture = {"id": number, "file_name": record.key, "width": label.width, "height": label.height}
        yield {**picture, "querist": besides} if besides else picture
        for part in label.boxes if isinstance(label, Boxes) else label.regions:
            last += 1  # from 1: an id of 0 counts as none in the public tools' evaluation
            category = numbers.setdefault(part.label, len(numbers) + 1)
            thing = {"id": last, "image_id": number, "category_id": category, **_thing(part, label), "iscrowd": 0}
            things.write((b",\n" if last > 1 else b"\n") + dumped(thing))


def _thing(part: Box | Polygon | Mask, label: Boxes | Regions) -> dict[str, Any]:
    """What COCO says of a box, an outline or a mask."""
    if isinstance(part, Box):
        area = round(part.w * part.h, 6)
        return {"bbox": [part.x, part.y, part.w, part.h], "area": area, "segmentation": []}
    if isinstance(part, Mask):
        outline: Any = {"size": [label.height, label.width], "counts": list(part.counts)}
        return {"bbox": list(part.bounds(label.height)), "area": part.area, "segmentation": outline}
    rings = [[number for corner in ring for number in corner] for ring in part.rings]
    return {"bbox": list(part.bounds), "area": part.area, "segmentation": rings}


def _by_id(whole: Any, part: str, name: str) -> dict[int, dict[str, Any]]:
    """The objects of one of the lists, by their ids."""
    if not isinstance(whole, Mapping) or not isinstance(whole.get(part), list):
        raise DataError(f"{name} has no list {part}", hint="COCO has images, annotations and categories")
    found: dict[int, dict[str, Any]] = {}
    for number, one in enumerate(whole[part], 1):
        if not isinstance(one, dict) or not isinstance(one.get("id"), int):
            raise DataError(f"{name}: number {number} of {part} has no id", hint="give a whole number")
        if found.setdefault(one["id"], one) is not one:
            raise DataError(f"{name}: two of {part} have the id {one['id']}", hint="give each an id of its own")
    return found


def _box(thing: dict[str, Any], label: Any, _: tuple[Any, Any]) -> dict[str, Any]:
    found = thing.get("bbox")
    if not isinstance(found, list) or len(found) != 4:
        raise DataError(f"bbox is {found!r}", hint="give [x, y, width, height]")
    return {**dict(zip("xywh", found, strict=True)), "label": label}


def _region(thing: dict[str, Any], label: Any, size: tuple[Any, Any]) -> dict[str, Any]:
    found = thing.get("segmentation")
    if isinstance(found, dict):
        if found.get("size") != list(size):
            raise DataError(
                f"the mask is {found.get('size')} pixels, the image {list(size)}", hint="height, then width"
            )
        counts = found.get("counts")
        return {"counts": unpacked(counts) if isinstance(counts, str) else counts, "label": label}
    if not isinstance(found, list) or not found or not all(isinstance(ring, list) for ring in found):
        raise DataError("it has no outline", hint="import it as boxes, or give a segmentation")
    rings = []
    for ring in found:
        if len(ring) % 2:
            raise DataError(f"an outline has {len(ring)} numbers", hint="give x and y of each corner")
        rings.append([list(corner) for corner in zip(ring[::2], ring[1::2], strict=True)])
    return {"points": rings[0], "label": label, **({"also": rings[1:]} if rings[1:] else {})}


_PART = {"boxes": _box, "segmentation": _region}


def unpacked(text: str) -> list[int]:
    """Run lengths from the text that COCO's tools pack them into.

    A character carries five bits, the lowest first, and a sixth that says whether more follow; from the third run on
    it is the difference to the run before the last one that is written.

    Raises:
        DataError: a sign that cannot occur, or a text that breaks off.

    Example:
        >>> unpacked("52")
        [5, 2]
    """
    runs: list[int] = []
    value = shift = 0
    for sign in text:
        bits = ord(sign) - 48
        if not 0 <= bits < 64:
            raise DataError(f"a packed mask has the sign {sign!r}", hint="export the masks again")
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        value = shift = 0
    if shift:
        raise DataError("a packed mask breaks off", hint="export the masks again")
    return runs
