"""The command: run the cases that are not done yet, and write their tables."""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from pathlib import Path

import numpy as np
from benchmarks.selection import growth, tables
from benchmarks.selection.case import Case
from benchmarks.selection.cases import TABLES
from benchmarks.selection.inputs import default_cache
from benchmarks.selection.machine import commit, machine
from benchmarks.selection.participants import Participant, participants
from benchmarks.selection.results import OtherMachine, Results, times
from benchmarks.selection.runner import ROOT, Limits, Run, run_cell

_OUT = ROOT / "docs" / "results" / "selection"


def main(argv: list[str] | None = None) -> int:
    """Measure what was asked for."""
    given = _options().parse_args(argv)
    cache = given.cache or default_cache()
    out = given.out or (cache / "quick" if given.quick else _OUT)
    chosen = {name: _chosen(cases, given.only, given.quick) for name, cases in TABLES.items()}
    chosen = {name: cases for name, cases in chosen.items() if cases}
    if not chosen:
        print(f"no case is called like {' or '.join(given.only)}; tables: {', '.join(TABLES)}", file=sys.stderr)
        return 2
    limits = Limits(seconds=20.0 if given.quick and given.limit is None else given.limit, memory_gb=given.memory_gb)
    bench = Bench(cache=cache, checkouts=_checkouts(given.checkout), limits=limits, repeats=given.repeats)
    for name, cases in chosen.items():
        try:
            results = Results(out / f"{name}.json", machine(), again=given.again)
        except OtherMachine as error:
            print(error, file=sys.stderr)
            return 2
        if not given.tables:
            for case in cases:
                bench.run(case, _sides(case, given.peers), results)
        write(results, out / f"{name}.md")
    print(f"tables are in {out}")
    return 0


class Bench:
    """Runs cases: participants take turns, each run in a process of its own.

    Args:
        cache: folder of the inputs.
        checkouts: folders of peers that are repositories.
        limits: of time and memory.
        repeats: runs a cell, unless one is long.
    """

    def __init__(self, *, cache: Path, checkouts: dict[str, str], limits: Limits, repeats: int) -> None:
        self.cache, self.checkouts, self.limits, self.repeats = cache, checkouts, limits, repeats
        self._commit = commit()

    def run(self, case: Case, sides: list[Participant], results: Results) -> None:
        """All runs of a case that are missing."""
        made = False
        for turn in range(self.repeats):
            # Forwards, then backwards: what the one before leaves behind meets different ones.
            for one in sides if turn % 2 == 0 else reversed(sides):
                if not results.wants(case, one, self.repeats) or len(results.row(case, one)["runs"]) > turn:
                    continue
                if why := one.absent(self.checkouts):
                    self._add(results, case, one, Run(status="absent", message=why))
                    continue
                if not made:
                    run_cell(case, "", cache=self.cache, picks=self._picks(case, one))
                    made = True
                run = run_cell(
                    case,
                    one.name,
                    cache=self.cache,
                    picks=self._picks(case, one),
                    checkouts=self.checkouts,
                    limits=self.limits,
                    judge="quality" not in results.row(case, one),
                )
                self._add(results, case, one, run)
        self._compare(case, sides, results)

    def _add(self, results: Results, case: Case, one: Participant, run: Run) -> None:
        today = datetime.date.today().isoformat()
        results.add(case, one, run, date=today, commit=self._commit)
        shown = f"{run.seconds:.3f} s, {run.peak_mb:,.0f} MB" if run.status == "ok" else f"{run.status}: {run.message}"
        print(f"{case.name:<48} {one.name:<34} {shown}", flush=True)

    def _compare(self, case: Case, sides: list[Participant], results: Results) -> None:
        """Which share of Querist's picks each of the others picked too."""
        ours = next((one for one in sides if one.role == "querist"), None)
        if ours is None or times(results.row(case, ours)) is None or not self._picks(case, ours).exists():
            return
        mine = np.load(self._picks(case, ours))
        for one in sides:
            row, file = results.row(case, one), self._picks(case, one)
            if times(row) is not None and file.exists():
                row["same"] = len(np.intersect1d(mine, np.load(file))) / max(1, len(np.unique(mine)))
        results.save()

    def _picks(self, case: Case, one: Participant) -> Path:
        folder = self.cache / "picks"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{f'{case.name}_{one.name}'.replace('/', '_').replace(' ', '_')}.npy"


def write(results: Results, file: Path) -> None:
    """The table as Markdown beside its JSON, and the plot where there is one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(tables.markdown(results.known), encoding="utf-8")
    summary = {
        name: {
            "fastest_peer": (tables.fastest(cell, role="peer") or [None])[0],
            "ratio": str(tables.beaten_by(cell, role="peer") or ""),
            "ratio_to_plain_loop": str(tables.beaten_by(cell, role="reference") or ""),
        }
        for name, cell in results.known["cells"].items()
        if cell.get("rows")
    }
    results.known["summary"] = summary
    results.save()
    if file.stem == "growth" and summary:
        growth.draw(json.loads(results.file.read_text(encoding="utf-8")), file.with_suffix(".svg"))


def _chosen(cases: list[Case], only: list[str], quick: bool) -> list[Case]:
    found = [case for case in cases if not only or case.name.startswith(tuple(only))]
    if not quick:
        return found
    # Small cases are often the same one: the first stands for all, because peers take part in it.
    small = [case.small() for case in found]
    return list({case.name: case for case in reversed(small)}.values())[::-1]


def _sides(case: Case, peers: str) -> list[Participant]:
    everybody = participants(case.method)
    if case.only_querist:
        return [one for one in everybody if one.role == "querist"]
    if peers == "all":
        return everybody
    words = [] if peers == "none" else peers.split(",")
    return [one for one in everybody if one.role != "peer" or any(word in one.name for word in words)]


def _checkouts(given: list[str]) -> dict[str, str]:
    pairs = dict(text.split("=", 1) for text in given)
    return {name: str(Path(folder).expanduser().resolve()) for name, folder in pairs.items()}


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="python -m benchmarks.selection", description=__doc__)
    options.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="WORD",
        help="cases whose name begins so (a table, or table/method/kind/...); may be repeated",
    )
    options.add_argument("--peers", default="all", metavar="all|none|NAMES", help="peers to ask, by a part of the name")
    options.add_argument(
        "--checkout", action="append", default=[], metavar="NAME=FOLDER", help="a peer's repository; may be repeated"
    )
    options.add_argument("--out", type=Path, help="folder of the tables (default: docs/results/selection)")
    options.add_argument("--cache", type=Path, help="folder of the inputs (default: in the user's cache)")
    options.add_argument("--repeats", type=int, default=3, help="runs a cell; one, if it takes over half a minute")
    options.add_argument("--limit", type=float, metavar="SECONDS", help="of a selection (default: 180, or the case's)")
    options.add_argument("--memory-gb", type=float, default=16.0, help="resident memory at which a run is stopped")
    options.add_argument("--again", action="store_true", help="forget what these tables hold")
    options.add_argument("--tables", action="store_true", help="run nothing, write the tables again")
    options.add_argument("--quick", action="store_true", help="tiny inputs, to see that everything runs")
    return options


if __name__ == "__main__":
    sys.exit(main())
