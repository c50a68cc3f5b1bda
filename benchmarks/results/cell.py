"""One cell: all seeds of a strategy in a study, from where its journal ends. Run in a process of its own.

python -m benchmarks.results.cell STUDY STRATEGY FOLDER SEEDS
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from benchmarks.results.studies import STUDIES, Study, arms

import querist as q
from querist.core.errors import QueristError
from querist.loop.campaign import run_campaign
from querist.oracles import Simulated
from querist.storage.atomic import atomic_write
from querist.storage.journal import Journal
from querist.tasks import make_task


def run(study: Study, name: str, folder: Path, seeds: Sequence[int]) -> dict[str, Any]:
    """The curves of a cell by seed: labels, values, and seconds of training, views and selection.

    Args:
        study: data, model and counts.
        name: registered name of the strategy.
        folder: where journals and inputs are kept.
        seeds: one campaign each.
    """
    pool = study.pool(folder / "inputs")
    task = make_task(*pool.suggest_task())
    adapter = study.model(pool, task)
    file = folder / study.name / f"{name}.db"
    file.parent.mkdir(parents=True, exist_ok=True)
    curves = {}
    with Journal.open(file, create=not file.exists()) as journal:
        for seed in seeds:
            session = q.Session.replay(
                journal,
                pool,
                model=adapter,
                task=task,
                strategy=arms()[name](),
                seed=seed,
                campaign=str(seed),
                candidates=study.candidates,
            )
            run_campaign(
                session,
                Simulated(pool),
                arm=name,
                initial=study.initial,
                batch=study.batch,
                budget=study.budget,
                metric=study.metric,
            )
            curves[str(seed)] = _curve(journal, str(seed), study.metric)
            print(f"{study.name} {name} seed {seed}: {study.metric} {curves[str(seed)]['value'][-1]:.4f}", flush=True)
    return curves


def _curve(journal: Journal, campaign: str, metric: str) -> dict[str, Any]:
    rounds = [record for record in journal.rounds(campaign) if record.closed]
    spent = {
        f"{part}_s": round(sum(r.seconds.get(part, 0.0) for r in rounds), 3) for part in ("train", "views", "select")
    }
    values = [round(record.metrics[metric], 6) for record in rounds]
    return {"labels": [record.labels for record in rounds], "value": values, **spent}


def main(words: Sequence[str]) -> int:
    """Run the cell and write what it found; an error of ours is a finding too."""
    study, name, folder, seeds = STUDIES[words[0]], words[1], Path(words[2]), [int(one) for one in words[3].split(",")]
    torch.set_num_threads(1)
    found: dict[str, Any]
    try:
        found = {"status": "ok", "seeds": run(study, name, folder, seeds)}
    except (QueristError, MemoryError) as error:
        found = {"status": "failed", "message": " ".join(f"{type(error).__name__}: {error}".split())}
    with atomic_write(folder / study.name / f"{name}.json") as file:
        file.write(json.dumps(found).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
