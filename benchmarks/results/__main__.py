"""The command: run the cells that are missing, and write data and pages."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.results.kept import Kept
from benchmarks.results.pages import write_pages
from benchmarks.results.runner import Ended, Work, cell_command, run_all
from benchmarks.results.studies import ROOT, STUDIES, TWINS, Study, arms

from querist.core.errors import QueristError, UnknownName

DOCS = ROOT / "docs" / "results" / "strategies"


def main(words: Sequence[str] | None = None) -> int:
    """Plan or run, and write the pages."""
    given = _options().parse_args(words)
    try:
        with stopped_by_term():
            return _run(given)
    except QueristError as error:
        print(error, file=sys.stderr)
        return 2


@contextmanager
def stopped_by_term() -> Iterator[None]:
    """A polite kill ends the cells too: what runs in the background often hears no Ctrl-C."""

    def stop(*_: Any) -> None:
        raise SystemExit("stopped; the same command goes on")

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(given: argparse.Namespace) -> int:
    seeds = [int(seed) for seed in given.seeds.split(",")]
    studies = [STUDIES[name] for name in _chosen(given.data, STUDIES, "study")]
    names = _chosen(given.only, arms(), "strategy")
    again = _chosen(given.again, arms(), "strategy") if given.again else []
    kept = {name: Kept.read(given.docs, study) for name, study in STUDIES.items()}
    for study in studies:
        for name in again:
            forget(given.out, kept[study.name], name)
    wanted = [
        (study, name) for study in studies for name in _cells(study, names) if kept[study.name].wants(name, seeds)
    ]
    _print_plan(wanted, kept, len(seeds), given.workers, whole=given.plan)
    if given.plan:
        return 0
    if not given.pages:
        _run_cells(wanted, kept, seeds, given)
    write_pages(given.docs, kept)
    print(f"pages are in {given.docs}")
    return 0


def _run_cells(
    wanted: list[tuple[Study, str]], kept: dict[str, Kept], seeds: list[int], given: argparse.Namespace
) -> None:
    started, total, ended_cells = time.monotonic(), len(wanted), 0
    works = [
        Work(name=f"{study.name}/{name}", command=cell_command(study.name, name, given.out, seeds), limit_s=given.limit)
        for study, name in wanted
    ]

    def then(ended: Ended) -> None:
        nonlocal ended_cells
        ended_cells += 1
        study, _, name = ended.work.name.partition("/")
        found = outcome(given.out, ended)
        kept[study].add(name, found, seconds=ended.seconds)
        kept[study].write(given.docs)
        left = (time.monotonic() - started) / ended_cells * (total - ended_cells)
        said = found["status"] if found["status"] == "ok" else f"{found['status']}: {found['message']}"
        print(
            f"[{ended_cells}/{total}] {ended.work.name} {said} ({ended.seconds:.0f} s; {left / 60:.0f} min left)",
            flush=True,
        )

    run_all(works, workers=given.workers, folder=given.out / "logs", then=then)


def outcome(folder: Path, ended: Ended) -> dict[str, Any]:
    """What a cell found, or how it ended without saying so."""
    if ended.message:
        return {"status": "failed", "message": ended.message}
    found: dict[str, Any] = json.loads((folder / f"{ended.work.name}.json").read_text(encoding="utf-8"))
    return found


def forget(folder: Path, kept: Kept, name: str) -> None:
    """A cell as if it had never been run."""
    kept.cells.pop(name, None)
    for file in (folder / kept.study.name).glob(f"{name}.*"):
        file.unlink()


def _cells(study: Study, names: list[str]) -> list[str]:
    """The strategies that a study runs, the twins first. Without any of its own it runs none."""
    known = arms()
    own = [name for name in names if study.takes(name, known[name])]
    if study.lookahead and not any(study.takes(name, known[name]) for name in known if name not in TWINS):
        return []
    return sorted(own, key=lambda name: (name not in TWINS, name))


def _chosen(said: str, known: Any, kind: str) -> list[str]:
    names = list(known) if said == "all" else said.split(",")
    for name in names:
        if name not in known:
            raise UnknownName(kind, name, known)
    return names


def _print_plan(
    wanted: list[tuple[Study, str]], kept: dict[str, Kept], seeds: int, workers: int, *, whole: bool
) -> None:
    total, known = 0.0, arms()
    for study, name in wanted:
        seconds = study.seconds(known[name], seeds)
        total += seconds
        if whole:
            print(f"{study.name:<22}{name:<28}{seconds / 60:6.1f} min")
    done = sum(len(found.cells) for found in kept.values())
    hours = total / 3600
    print(
        f"{len(wanted)} cells to run ({done} kept): {hours:.1f} h of one core, {hours / workers:.1f} h with {workers}"
    )


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="python -m benchmarks.results", description=__doc__)
    options.add_argument("--data", default="all", help=f"studies: {', '.join(STUDIES)}")
    options.add_argument("--only", default="all", help="strategies, with commas")
    options.add_argument("--again", default="", help="strategies to measure anew, with commas, or all")
    options.add_argument("--seeds", default="0,1,2")
    options.add_argument("--workers", type=int, default=1, help="cells side by side, each with one thread")
    options.add_argument("--limit", type=float, default=5400.0, metavar="S", help="seconds that a cell may take")
    options.add_argument("--out", type=Path, default=ROOT / "runs" / "results", help="folder of journals and logs")
    options.add_argument("--docs", type=Path, default=DOCS, help="folder of data and pages")
    options.add_argument("--plan", action="store_true", help="only say what would run, and for how long")
    options.add_argument("--pages", action="store_true", help="only write the pages from the data there are")
    return options


if __name__ == "__main__":
    sys.exit(main())
