"""The command: measure on real crowds, and write the tables of docs/results/crowds.md.

    python -m benchmarks.crowds [--only aggregation,again_or_new] [--seeds 3]

Data come from ``QUERIST_DATA`` (default ``../shared/data``).
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.crowds import again_or_new, aggregation

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "results" / "crowds"
TABLES = ("aggregation", "again_or_new")


def main(words: Sequence[str] | None = None) -> int:
    """Measure, and write the tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", default=",".join(TABLES), help="tables, by comma")
    options.add_argument("--seeds", type=int, default=3, help="of again_or_new")
    options.add_argument("--docs", type=Path, default=DOCS, help="where the tables go")
    given = options.parse_args(words)
    data = Path(os.environ.get("QUERIST_DATA", ROOT.parent / "shared" / "data"))
    names = given.only.split(",")
    if strange := set(names) - set(TABLES):
        print(f"no table is called {', '.join(sorted(strange))}; known: {', '.join(TABLES)}", file=sys.stderr)
        return 2
    given.docs.mkdir(parents=True, exist_ok=True)
    for name in names:
        started = time.perf_counter()
        told = aggregation.table(data) if name == "aggregation" else again_or_new.table(data, seeds=given.seeds)
        (given.docs / f"{name}.md").write_text(told, encoding="utf-8")
        print(f"{name}: {time.perf_counter() - started:.0f} s\n\n{told}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
