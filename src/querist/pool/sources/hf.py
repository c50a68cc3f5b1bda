"""``hf:NAME_OR_PATH``: a data set of the Hugging Face hub, or a folder that ``save_to_disk`` wrote (extra ``hf``).

``hf:NAME/CONFIG`` names a configuration after the owner and the name: ``hf:owner/name/config``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from querist.core.errors import DataError
from querist.core.optional import require
from querist.pool.columns import Columns, listed
from querist.pool.pool import Pool
from querist.pool.sources.base import TEST_SHARE, Source
from querist.pool.split import split_named
from querist.pool.tables import NamedTable, pool_of_tables

if TYPE_CHECKING:
    import pyarrow as pa


class Hf(Source):
    """Data sets of the ``datasets`` library: texts, tokens, images or numbers."""

    def open(self, path: str, *, columns: Columns, skip_bad: bool, seed: int) -> Pool:
        datasets = require("datasets", extra="hf")
        loaded = _from_disk(datasets, Path(path)) if Path(path).is_dir() else _from_hub(datasets, path)
        splits = dict(loaded) if isinstance(loaded, datasets.DatasetDict) else {"all": loaded}
        used = {name: split for name in splits if (split := split_named(name))} if len(splits) > 1 else {}
        tables = [NamedTable(name=name, split=split, rows=_table(splits[name])) for name, split in used.items()]
        if not any(split == "train" for split in used.values()):
            if len(splits) > 1:
                raise DataError(f"hf:{path} has the splits {listed(splits)} and none for training")
            ((name, only),) = splits.items()
            tables = [NamedTable(name=name, split=None, rows=_table(only))]
        tables.sort(key=lambda table: table.split not in (None, "train"))
        pool = pool_of_tables(
            tables,
            columns=columns,
            name=Path(path).name,
            where=f"hf:{path}",
            test=TEST_SHARE,
            skip_bad=skip_bad,
            seed=seed,
        )
        left = [name for name in splits if used and name not in used]
        if left:
            pool.notes.append(f"splits that are not used: {listed(left)}")
        return pool


def _from_disk(datasets: Any, folder: Path) -> Any:
    try:
        return datasets.load_from_disk(str(folder))
    except (FileNotFoundError, ValueError, OSError) as error:
        raise DataError(
            f"{folder} holds no data set that save_to_disk wrote: {error}",
            hint="for plain files use parquet:, csv: or images:",
        ) from error


def _from_hub(datasets: Any, name: str) -> Any:
    owner_and_name = "/".join(name.split("/")[:2])
    config = "/".join(name.split("/")[2:]) or None
    try:
        return datasets.load_dataset(owner_and_name, config)
    except Exception as error:  # the library raises many types, one for each way to fail to reach the hub
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f"the data set {name!r} cannot be loaded from the hub or its cache: {why}",
            hint="check the name, or fetch it once with a network and save_to_disk, then give hf:FOLDER",
        ) from error


def _table(dataset: Any) -> pa.Table:
    """The rows, in the order of the data set; class numbers as the names they stand for (-1 is unknown)."""
    import pyarrow as pa

    table: pa.Table = dataset.with_format("arrow")[:]
    for name, feature in dataset.features.items():
        inner = getattr(feature, "feature", None)
        at = table.column_names.index(name)
        if hasattr(feature, "int2str"):
            words = [_word(feature, number) for number in table[name].to_pylist()]
            table = table.set_column(at, name, pa.array(words, pa.string()))
        elif hasattr(inner, "int2str"):
            lists = [None if row is None else [_word(inner, one) for one in row] for row in table[name].to_pylist()]
            table = table.set_column(at, name, pa.array(lists, pa.list_(pa.string())))
    return table


def _word(feature: Any, number: int | None) -> str | None:
    return None if number is None or number < 0 else str(feature.int2str(number))
