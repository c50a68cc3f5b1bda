"""Record campaigns once (resumably), try every stopping rule on them, and write the table, the picture and the data.

python -m benchmarks.stopping            # about twenty minutes of one core the first time, seconds afterwards
python -m benchmarks.stopping --pages    # only from the data there are
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from benchmarks.results.studies import ROOT
from benchmarks.stopping.page import write_page
from benchmarks.stopping.recorded import CURVES, SEEDS, record

from querist.core.errors import SettingsDiffer
from querist.storage.atomic import atomic_write

DATA = "stopping.json"


def main(words: list[str] | None = None) -> int:
    """Record what is missing, then write what was found."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.stopping", description=__doc__)
    options.add_argument("--only", default="all", help=f"curves: {', '.join(CURVES)}")
    options.add_argument("--out", type=Path, default=ROOT / "runs" / "stopping", help="folder of journals")
    options.add_argument("--docs", type=Path, default=ROOT / "docs" / "results", help="folder of data and page")
    options.add_argument("--pages", action="store_true", help="only write the page from the data there are")
    asked = options.parse_args(words)
    names = list(CURVES) if asked.only == "all" else asked.only.split(",")
    kept = read(asked.docs)
    if not asked.pages:
        torch.set_num_threads(1)
        asked.out.mkdir(parents=True, exist_ok=True)
        for seed, name in itertools.product(SEEDS, names):  # every kind once, before any kind twice
            if str(seed) in kept.get(name, {}).get("seeds", {}):
                continue
            started = time.perf_counter()
            found = record(name, seed, asked.out)
            cell = kept.setdefault(name, {"settings": CURVES[name].settings(), "seeds": {}})
            cell["seeds"][str(seed)] = found
            write(asked.docs, kept)
            print(f"{name} seed {seed}: {found['test'][-1]:.4f}, {time.perf_counter() - started:.0f} s", flush=True)
    write_page(asked.docs, kept)
    return 0


def read(folder: Path) -> dict[str, Any]:
    """The recorded campaigns by curve.

    Raises:
        SettingsDiffer: one was recorded with other counts.
    """
    file = folder / DATA
    kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    for name, cell in kept.items():
        if name in CURVES and cell["settings"] != CURVES[name].settings():
            raise SettingsDiffer(f"{name} was recorded with other settings", hint=f"take it out of {file}")
    return kept


def write(folder: Path, kept: dict[str, Any]) -> None:
    """Write them, a line a field."""
    folder.mkdir(parents=True, exist_ok=True)
    cells = []
    for name in sorted(kept):
        seeds = []
        for seed, found in sorted(kept[name]["seeds"].items()):
            fields = ",\n".join(f"   {json.dumps(key)}: {json.dumps(value)}" for key, value in found.items())
            seeds.append(f'  "{seed}": {{\n{fields}\n  }}')
        body = ",\n".join(seeds)
        settings = json.dumps(kept[name]["settings"])
        cells.append(f' {json.dumps(name)}: {{\n "settings": {settings},\n "seeds": {{\n{body}\n }}}}')
    with atomic_write(folder / DATA) as file:
        file.write(("{\n" + ",\n".join(cells) + "\n}\n").encode())


if __name__ == "__main__":
    sys.exit(main())
