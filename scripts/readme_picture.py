"""Draw the README's learning curve from the run that ``make run`` left, and write its numbers under it.

Nothing is typed by hand: the picture, the counts and the seeds come from the run's journal (``make picture``).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import matplotlib as mpl

from querist.cli.plot import save_curve
from querist.loop.run import load_result

ROOT = Path(__file__).resolve().parents[1]
PICTURE = Path("docs") / "images" / "digits.svg"
START, END = "<!-- picture: scripts/readme_picture.py -->\n", "<!-- end of picture -->"


def caption(run: Path) -> str:
    """What the run in ``run`` found, as a paragraph."""
    result = load_result(run)
    settings, found = result.settings, result.to_json()
    seeds = ",".join(map(str, settings.seeds))
    command = (
        f"querist run {settings.data} --strategy {settings.strategy} --initial {settings.initial} "
        f"--batch {settings.batch} --budget {settings.budget} --seeds {seeds} --target {settings.target}"
    )
    mine, twin = (
        f"{labels} labels" if labels else f"more than {settings.budget} labels"
        for labels in (found["target"]["labels"], found["target"]["twin"])
    )
    return (
        f"Drawn from `make run`, which is `{command}`: {settings.target:.0%} {result.metric} took {mine} with "
        f"{settings.strategy} and {twin} with {settings.compare} (mean of {len(settings.seeds)} seeds on the test "
        "rows; the bands go from the lowest seed to the highest).\n"
    )


def main() -> None:
    """Write the picture, then the README's paragraph."""
    run = Path(sys.argv[1])
    (ROOT / PICTURE).parent.mkdir(parents=True, exist_ok=True)
    os.environ["SOURCE_DATE_EPOCH"] = "0"  # the same run draws the same file
    with mpl.rc_context({"svg.hashsalt": "querist"}):
        save_curve(load_result(run), ROOT / PICTURE)
    readme = ROOT / "README.md"
    before, rest = readme.read_text(encoding="utf-8").split(START)
    after = rest.split(END)[1]
    block = f"![Learning curves of the chosen and of the random labels]({PICTURE.as_posix()})\n\n{caption(run)}"
    readme.write_text(f"{before}{START}{block}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
