"""Label Studio's JSON: a list of tasks with their annotations, as it is exported there and can be imported there.

Places in pictures are percents of the sides. Places in texts count characters; older releases counted the units of
UTF-16, and the quoted words tell which of the two a file means. What Querist knows beside the label stands in the data
of each task, so it is still there when the task comes back. Where a task has several annotations, the one that is
marked as ground truth counts, or all of them if they agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import parse_qs, urlsplit

from querist.core.errors import DataError
from querist.core.labels import Boxes, Label, Polygon, Regions, checked_label, spans
from querist.core.labels.kinds import MASKS, PARTS
from querist.core.labels.pixels import count
from querist.storage.formats.base import FileFormat, LabelRecord, record_from
from querist.storage.formats.json_file import loaded, read_besides, said_besides, write_list

_TYPES = {
    "classification": "choices",
    "multilabel": "choices",
    "regression": "number",
    "text": "textarea",
    "spans": "labels",
    "boxes": "rectanglelabels",
    "segmentation": "polygonlabels",
}
"""What Label Studio calls the results of each kind."""


class LabelStudio(FileFormat):
    """Choices, numbers, texts, spans, boxes and outlines in one part each.

    Example:
        >>> import io, json
        >>> file = io.BytesIO()
        >>> LabelStudio().write([LabelRecord(row=3, key="a.jpg", label="cat")], file, kind="classification")
        >>> task = json.loads(file.getvalue())[0]
        >>> task["data"], task["annotations"][0]["result"][0]["value"]
        ({'row': 3, 'key': 'a.jpg', 'image': 'a.jpg'}, {'choices': ['cat']})
    """

    holds = frozenset(_TYPES)
    lacks = frozenset({MASKS, PARTS})
    carries = frozenset({"spans"})
    note = "Carries the text where there is one; other rows are taken for pictures, called by their keys. Read whole."
    suffix = ".json"
    counts = "task"

    def write(self, records: Iterable[LabelRecord], file: BinaryIO, *, kind: str, classes: Sequence[str] = ()) -> None:
        file.write(b"[")
        write_list((_task(record, kind) for record in records), file)
        file.write(b"\n]\n")

    def read(self, file: BinaryIO, *, kind: str) -> Iterator[LabelRecord]:
        tasks = loaded(file)
        if not isinstance(tasks, list):
            raise DataError(f"{Path(file.name).name} is no list of tasks", hint="export as JSON from Label Studio")
        for number, task in enumerate(tasks, 1):
            place = self.place(file, number)
            data = task.get("data") if isinstance(task, dict) else None
            besides = read_besides(data, place=f"the data of {place}")
            assert isinstance(data, dict)
            if "key" not in besides and isinstance(data.get("image"), str):
                besides["key"] = key_of(data["image"])
            try:
                labels = [_LABELS[kind](result, data, kind) for result in _results(task, _TYPES[kind])]
            except DataError as error:
                raise DataError(f"{place}: {error.message}", hint=error.hint) from None
            if any(label != labels[0] for label in labels):
                raise DataError(f"{place} has annotations that differ", hint="keep one, or mark one as ground truth")
            for label in labels[:1]:
                text = data.get("text")
                payload = text if isinstance(text, str) else None
                yield record_from({**besides, "label": label}, kind=kind, place=place, payload=payload)


def key_of(url: str) -> str:
    """The name of a picture, from where Label Studio finds it.

    Example:
        >>> key_of("/data/local-files/?d=train/img%200.jpg"), key_of("train/a.jpg")
        ('train/img 0.jpg', 'train/a.jpg')
    """
    if not url.startswith("/data/local-files/"):
        return url
    return parse_qs(urlsplit(url).query).get("d", [url])[0]


def _task(record: LabelRecord, kind: str) -> dict[str, Any]:
    """One record as a task with its annotation."""
    data = said_besides(record)
    where = f"row {record.row}" if record.row is not None else f"key {record.key!r}"
    text = record.payload if isinstance(record.payload, str) else None
    if kind == "spans" and text is None:
        raise DataError(f"{where}: its text is not known", hint="export from a run over texts, or take jsonl")
    data |= {"image": record.key} if text is None else {"text": text}
    common: dict[str, Any] = {
        "from_name": "label",
        "to_name": "image" if text is None else "text",
        "type": _TYPES[kind],
    }
    if kind in ("boxes", "segmentation"):
        label: Any = (Boxes if kind == "boxes" else Regions).from_plain(record.label)
        data |= {"width": label.width, "height": label.height}
        common |= {"original_width": label.width, "original_height": label.height, "image_rotation": 0}
    values = _values(record.label, kind, text)
    results = [{"id": f"r{number}", **common, "value": value} for number, value in enumerate(values, 1)]
    return {"data": data, "annotations": [{"result": results}]}


def _values(label: Label, kind: str, text: str | None) -> list[dict[str, Any]]:
    """The values of the results that say ``label``."""
    if kind == "classification":
        return [{"choices": [label]}]
    if kind == "multilabel":
        return [{"choices": label}] if label else []
    if kind == "regression":
        return [{"number": label}]
    if kind == "text":
        return [{"text": [label]}]
    if kind == "spans":
        assert text is not None
        return [
            {"start": one.start, "end": one.end, "text": one.of(text), "labels": [one.label]} for one in spans(label)
        ]
    if kind == "boxes":
        found = Boxes.from_plain(label)
        across, down = 100 / found.width, 100 / found.height
        places = (
            {"x": one.x * across, "y": one.y * down, "width": one.w * across, "height": one.h * down, "rotation": 0}
            for one in found.boxes
        )
        return [{**place, "rectanglelabels": [one.label]} for place, one in zip(places, found.boxes, strict=True)]
    regions = Regions.from_plain(label)
    outlines = [one for one in regions.regions if isinstance(one, Polygon)]
    scale = (100 / regions.width, 100 / regions.height)
    return [
        {
            "points": [[x * scale[0], y * scale[1]] for x, y in one.points],
            "closed": True,
            "polygonlabels": [one.label],
        }
        for one in outlines
    ]


def _results(task: Any, wanted: str) -> Iterator[list[dict[str, Any]]]:
    """The results of each annotation that counts, those of other tags left out."""
    given = task.get("annotations") or []
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise DataError("its annotations are no list of objects", hint="export as JSON from Label Studio")
    given = [one for one in given if not one.get("was_cancelled")]
    for one in [one for one in given if one.get("ground_truth")] or given:
        results = one.get("result")
        if not isinstance(results, list) or not all(isinstance(each, dict) for each in results):
            raise DataError("the result of an annotation is no list", hint="export as JSON from Label Studio")
        mine = [each for each in results if each.get("type") == wanted]
        if results and not mine:
            raise DataError(f"it has no {wanted}, but {results[0].get('type')}", hint="check the kind of labels")
        if not all(isinstance(each.get("value"), dict) for each in mine):
            raise DataError("a result has no value", hint="export as JSON from Label Studio")
        yield mine


def _listed(value: dict[str, Any], name: str) -> list[Any]:
    found = value.get(name)
    if not isinstance(found, list):
        raise DataError(f"{name} are {found!r}", hint="give a list")
    return found


def _only(found: list[Any], what: str) -> Any:
    if len(found) != 1:
        raise DataError(f"it has {len(found)} {what}", hint="keep one")
    return found[0]


def _choice(results: list[dict[str, Any]], _: dict[str, Any], kind: str) -> Label:
    chosen = [name for result in results for name in _listed(result["value"], "choices")]
    return checked_label(chosen if kind == "multilabel" else _only(chosen, "choices"), kind=kind)


def _number(results: list[dict[str, Any]], _: dict[str, Any], kind: str) -> Label:
    return checked_label(_only(results, "numbers")["value"].get("number"), kind=kind)


def _written(results: list[dict[str, Any]], _: dict[str, Any], kind: str) -> Label:
    return checked_label(_only([one for each in results for one in _listed(each["value"], "text")], "texts"), kind=kind)


def _marked(results: list[dict[str, Any]], data: dict[str, Any], kind: str) -> Label:
    text = data.get("text")
    if not isinstance(text, str):
        raise DataError("its data has no text", hint="spans are places in one")
    found = []
    for result in results:
        value = result["value"]
        start, end = _places(value, text)
        found.append({"start": start, "end": end, "label": _only(_listed(value, "labels"), "labels of one span")})
    return checked_label(found, kind=kind)


def _places(value: dict[str, Any], text: str) -> tuple[Any, Any]:
    """Start and end of a span in characters."""
    start, end, quoted = value.get("start"), value.get("end"), value.get("text")
    if not isinstance(start, int) or not isinstance(end, int) or not isinstance(quoted, str):
        return start, end
    if text[start:end] == quoted:
        return start, end
    units = text.encode("utf-16-le")
    places = [len(units[: 2 * at].decode("utf-16-le", "replace")) for at in (start, end)]
    if text[places[0] : places[1]] == quoted:
        return places[0], places[1]
    raise DataError(f"the span {quoted!r} is not at {start} in the text", hint="export with the text that was labelled")


def _size(results: list[dict[str, Any]], data: dict[str, Any]) -> tuple[Any, Any]:
    """Width and height of the picture."""
    if results:
        return results[0].get("original_width"), results[0].get("original_height")
    if "width" not in data or "height" not in data:
        raise DataError("the size of the picture is not known", hint="give width and height in the task's data")
    return data["width"], data["height"]


def _framed(
    kind: str, parts: str, part: Callable[[dict[str, Any], float, float], dict[str, Any]]
) -> Callable[[list[dict[str, Any]], dict[str, Any], str], Label]:
    """What reads a picture's parts, each from its value and what a percent is in pixels."""

    def read(results: list[dict[str, Any]], data: dict[str, Any], _: str) -> Label:
        sides = zip(("width", "height"), _size(results, data), strict=True)
        width, height = (count(side, f"the picture's {name}", least=1) for name, side in sides)
        found = []
        for result in results:
            if result["value"].get("rotation") or result.get("image_rotation"):
                raise DataError("it is turned", hint="turn the picture back, or draw upright boxes")
            name = _only(_listed(result["value"], _TYPES[kind]), "labels of one region")
            try:
                found.append({**part(result["value"], width / 100, height / 100), "label": name})
            except (TypeError, KeyError, ValueError):
                raise DataError("a region has no place", hint="give percents of the picture's sides") from None
        return checked_label({"width": width, "height": height, parts: found}, kind=kind)

    return read


def _rectangle(value: dict[str, Any], across: float, down: float) -> dict[str, Any]:
    return {"x": value["x"] * across, "y": value["y"] * down, "w": value["width"] * across, "h": value["height"] * down}


def _outline(value: dict[str, Any], across: float, down: float) -> dict[str, Any]:
    return {"points": [[x * across, y * down] for x, y in value["points"]]}


_LABELS: dict[str, Callable[[list[dict[str, Any]], dict[str, Any], str], Label]] = {
    "classification": _choice,
    "multilabel": _choice,
    "regression": _number,
    "text": _written,
    "spans": _marked,
    "boxes": _framed("boxes", "boxes", _rectangle),
    "segmentation": _framed("segmentation", "regions", _outline),
}
