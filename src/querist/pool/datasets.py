"""Any map-style data set as payloads: something with a length whose items are a payload, or a payload and its label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from querist.core.errors import DataError
from querist.pool.arrays import as_payloads
from querist.pool.part import CountedKeys, Part
from querist.pool.payloads import Payloads, digest, stacked
from querist.pool.truth import Label, as_labels


class DatasetPayloads(Payloads):
    """The payloads of a data set, read from it each time they are asked for."""

    def __init__(self, dataset: Any, modality: str, digests: list[bytes]) -> None:
        self.dataset = dataset
        self.modality = modality
        self._digests = digests

    def __len__(self) -> int:
        return len(self._digests)

    def take(self, positions: np.ndarray) -> np.ndarray | list[Any]:
        return stacked([_payload(self.dataset[pos], pos, self.modality)[0] for pos in positions.tolist()])

    @property
    def digests(self) -> list[bytes]:
        return self._digests


def parts_of_datasets(
    given: Mapping[str, Any], modality: str | None, classes: Sequence[str] | None
) -> tuple[list[Part], str]:
    """The data set of each split as a part; each is read once, for labels and for hashes of the contents.

    Args:
        given: a data set a split, or ``None``.
        modality: found from the first item if left out.
        classes: names that integer labels count into.
    """
    parts: list[Part] = []
    for split, dataset in given.items():
        if dataset is None:
            continue
        labels: list[Any] = []
        digests: list[bytes] = []
        for place in range(len(dataset)):
            item = dataset[place]
            payload, modality = _payload(item, place, modality)
            digests.append(digest(payload))
            labels.append(item[1] if _is_pair(item) else None)
        payloads = DatasetPayloads(dataset, modality or "table", digests)
        keys = CountedKeys(split, len(digests))
        parts.append(Part(payloads=payloads, labels=_named(labels, classes), keys=keys, split=split))
    return parts, modality or "table"


def _is_pair(item: Any) -> bool:
    """Payload and label; a list of tokens is no pair, nor is a tuple of any other length."""
    return isinstance(item, tuple) and len(item) == 2


def _payload(item: Any, place: int, modality: str | None) -> tuple[Any, str]:
    """The payload of an item in its modality's form."""
    value = item[0] if _is_pair(item) else item
    if not isinstance(value, str | list | tuple):
        value = np.asarray(value)
    try:
        column, found, _ = as_payloads([value] if isinstance(value, str | list | tuple) else value[None], modality)
    except DataError as error:
        raise DataError(f"item {place} of the data set: {error.message}", hint=error.hint) from error
    return column.take(np.zeros(1, np.int64))[0], found


def _named(labels: list[Any], classes: Sequence[str] | None) -> list[Label | None]:
    """Integer labels as the class names they count into, where there are names."""
    plain = [label.item() if hasattr(label, "item") and np.ndim(label) == 0 else label for label in labels]
    if classes is not None:
        names = [str(one) for one in classes]
        for place, label in enumerate(plain):
            if isinstance(label, int) and not isinstance(label, bool):
                if not 0 <= label < len(names):
                    raise DataError(
                        f"item {place} of the data set has label {label}, and {len(names)} classes were named"
                    )
                plain[place] = names[label]
    return as_labels(plain, rows=len(plain))
