"""What `querist plan` says beside what `querist select` then takes, each in a process of its own.

    python -m benchmarks.plan_accuracy [--rows 20000,100000] [--dim 128] [--k 1000] [--trial-s 12] [--strategies a,b]

The inputs are those of benchmarks/selection. A plan is made from a sample of the files, and, if asked for, from made-up
tables of the same shape. A ratio over 1 means that too much was expected.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from benchmarks.selection.inputs import Inputs, default_cache, labelled

from querist.strategies import registry

COMMAND = [sys.executable, "-m", "querist.cli.app"]
CLASSES, SAMPLES, LABELLED = 10, 10, 100


def write_files(folder: Path, kind: str, n: int, d: int) -> None:
    inputs = Inputs(default_cache(), stored=True)
    np.save(folder / "embeddings.npy", inputs.embeddings(kind, n, d))
    np.save(folder / "probs.npy", inputs.probs(kind, n, d, CLASSES))
    np.save(folder / "prob_samples.npy", inputs.prob_samples(kind, n, SAMPLES, CLASSES).swapaxes(0, 1))
    (folder / "labelled.txt").write_text("".join(f"{row}\n" for row in labelled(n, LABELLED)))


def answered(*words: str) -> dict:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([*COMMAND, *words, "--json"], capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return json.loads(done.stdout)


def tables(name: str) -> list[str]:
    """The options that a strategy reads."""
    views = " ".join(type(part).__name__ for view in registry[name]().needs() for part in (view, *view.parts()))
    if "Samples" in views:
        return ["prob_samples"]
    known = {"probs": "Probs", "embeddings": "Embeddings"}
    return [option for option, view in known.items() if view in views] or ["embeddings"]


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--rows", default="20000,100000")
    options.add_argument("--dim", type=int, default=128)
    options.add_argument("--k", type=int, default=1000)
    options.add_argument("--kind", default="mixture")
    options.add_argument("--trial-s", default="12")
    options.add_argument(
        "--strategies", default="margin,bald,core_set,badge,lcmd,max_det,fass,diverse_mini_batch,k_dpp"
    )
    options.add_argument("--made-up", action="store_true", help="also plan from made-up tables")
    given = options.parse_args()
    print(
        f"{'strategy':<22}{'rows':>9}{'plan from':>10}{'s':>9}{'took':>9}{'ratio':>7}{'MB':>8}{'took':>8}{'ratio':>7}"
    )
    for n in map(int, given.rows.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            write_files(Path(folder), given.kind, n, given.dim)
            for name in given.strategies.split(","):
                files = [
                    word
                    for option in tables(name)
                    for word in (f"--{option.replace('_', '-')}", f"{folder}/{option}.npy")
                ]
                whom = ["--strategy", name, "--budget", str(given.k)]
                known = ["--labelled", f"{folder}/labelled.txt"]
                plans = {"files": answered("plan", *whom, *files, *known, "--trial-s", given.trial_s)}
                if given.made_up:
                    shape = [
                        "--rows",
                        str(n),
                        "--dim",
                        str(given.dim),
                        "--classes",
                        str(CLASSES),
                        "--samples",
                        str(SAMPLES),
                    ]
                    plans["made up"] = answered(
                        "plan", *whom, *shape, "--labelled", str(LABELLED), "--trial-s", given.trial_s
                    )
                took = answered("select", *whom, *files, *known)
                for source, plan in plans.items():
                    print(
                        f"{name:<22}{n:>9}{source:>10}"
                        f"{plan['seconds']:>9.2f}{took['seconds']:>9.2f}{plan['seconds'] / took['seconds']:>7.2f}"
                        f"{plan['peak_mb']:>8.0f}{took['peak_mb']:>8.0f}{plan['peak_mb'] / took['peak_mb']:>7.2f}",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
