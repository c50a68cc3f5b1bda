"""The page, its table and its picture, from the recorded campaigns alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING, Any

from benchmarks.stopping.recorded import CURVES, SEEDS, STOP_SET, VALIDATION
from benchmarks.stopping.tried import WORTH, Stop, campaigns, tried

from querist.bench.picture import MARKERS, Palette, blank, dress, style, svg
from querist.storage.atomic import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE, PICTURE = "stopping.md", "stopping.svg"
MAIN = WORTH[1]
TICKS = (0.25, 0.5, 1, 2, 4, 8, 16)

INTRODUCTION = f"""# When to stop: every rule on recorded campaigns

What `python -m benchmarks.stopping` found. Campaigns were recorded far past any sensible stop, with all that rules may
see, and every rule was then asked after every round. Disappointing numbers stay.

## How to read it

- **The oracle** knows the test accuracy of every round and stops where `labels + w * 100 * (1 - accuracy)` is smallest,
  the cost-based optimum of [Pullar-Strecker et al. 2022](../papers.md#pullarstrecker2022hitting); `w` is how many
  labels a point of accuracy is worth to somebody (the paper was read in summaries only: this reading of its cost is
  ours). It sees the luck of single rounds too, so no rule can have no regret.
- **Regret** is a rule's cost over the oracle's, in labels, the mean over campaigns. A rule that never stopped spent the
  whole campaign, whose length was ours to choose: its regret would grow with it.
- **Spent** is the median of labels over the oracle's at `w = {MAIN}`: under 1 too early, over 1 too late.
- **Accuracy lost** is in points against the last three rounds of the campaign.
- Rules that read validation scores have bought {VALIDATION} validation labels, and these are on their bill. The stop
  set has {STOP_SET} rows, whose labels nobody looks at.
- Options other than the defaults were written down before any rule was tried, and not tuned afterwards. Small
  campaigns on three data sets with models that are trained anew each round: orders may turn elsewhere.
"""

IN_SHORT = """
## In short

- Of the rules, agreement of successive models came nearest to the oracle, with laxer thresholds than the papers': a
  forecast of F under 0.05, or a kappa of 0.95. On digits that is about in time, on AG News and Fashion-MNIST three to
  seven times too late. With 0.005 and 0.99 it stopped late or never: models that are trained anew disagree that much.
- Rules of doubt never stopped. They wait for models that expect next to no errors, on data where 6 to 18 of 100 rows
  stay wrong with all labels; a threshold for them must be known beforehand.
- Rules that read validation scores stop, but 200 validation labels are more than the oracle spends in all. They are
  for campaigns of thousands of labels, or where such labels are there anyway. The learning curve is cautious by
  design and stops last.
- A quarter of the campaign beat every rule. That is no advice: the length of the campaigns was ours, and with
  another one it would be too early or too late. It is a reminder that a rule has to earn its keep.
"""


def write_page(folder: Path, kept: Mapping[str, Any]) -> None:
    """Write page and picture.

    Args:
        folder: where they go.
        kept: the recorded campaigns by curve.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = tried(kept) if kept else {}
    with atomic_write(folder / PAGE) as file:
        file.write(page(kept, found).encode())
    if found:
        with atomic_write(folder / PICTURE) as file:
            file.write(svg(picture(found), title="Labels spent by each rule over those of the oracle").encode())


def page(kept: Mapping[str, Any], found: Mapping[str, Sequence[Stop]]) -> str:
    """The whole page."""
    runs = campaigns(kept)
    if not runs:
        return f"{INTRODUCTION}\nNothing was recorded yet.\n"
    parts = [INTRODUCTION]
    if (missing := len(CURVES) * len(SEEDS) - len(runs)) > 0:
        parts.append(f"\n**{len(runs)} of {len(runs) + missing} campaigns are recorded so far.**\n")
    else:
        parts.append(IN_SHORT)
    parts.append(f"\n## All campaigns\n\n{_summary(found)}\n")
    parts.append(
        f"![Labels spent by each rule over those of the oracle]({PICTURE})\n\nOne mark a campaign: labels spent over "
        f"those of the oracle at `w = {MAIN}`; hollow where the rule never stopped. The axis is logarithmic.\n"
    )
    parts.append(
        f"\n## One kind of campaign at a time\n\nMean regret at `w = {MAIN}`, in labels.\n\n{_by_curve(kept, found)}"
    )
    parts.append(
        f"\n## What the oracle did\n\n{_oracles(kept)}\n*Expected* is the error that the model expects of itself on "
        "the stop set, after the last round.\n"
    )
    parts.append("\nAll rounds as data: [stopping.json](stopping.json).\n")
    return "".join(parts)


def _summary(found: Mapping[str, Sequence[Stop]]) -> str:
    head = "| rule | stopped | spent | accuracy lost | " + " | ".join(f"regret, w = {w}" for w in WORTH)
    lines = [f"{head} | worst, w = {MAIN} |", "|---" * (5 + len(WORTH)) + "|"]
    for rule in sorted(found, key=lambda rule: _regret(found[rule], MAIN)):
        stops = found[rule]
        share = median(stop.labels / _best(stop) for stop in stops)
        regrets = " | ".join(f"{_regret(stops, worth):.0f}" for worth in WORTH)
        worst = max(stop.regret(MAIN) for stop in stops)
        done = f"{sum(stop.stopped for stop in stops)} of {len(stops)}"
        lost = mean(stop.lost() for stop in stops)
        lines.append(f"| {_spelled(rule)} | {done} | {share:.2f} | {lost:+.1f} | {regrets} | {worst:.0f} |")
    return "\n".join(lines) + "\n"


def _by_curve(kept: Mapping[str, Any], found: Mapping[str, Sequence[Stop]]) -> str:
    names = [name for name in CURVES if name in kept]
    lines = ["| rule | " + " | ".join(CURVES[name].title for name in names) + " |", "|---" * (1 + len(names)) + "|"]
    for rule in sorted(found, key=lambda rule: _regret(found[rule], MAIN)):
        cells = [f"{_regret([s for s in found[rule] if s.campaign.curve == name], MAIN):.0f}" for name in names]
        lines.append(f"| {_spelled(rule)} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _oracles(kept: Mapping[str, Any]) -> str:
    lines = [
        "| campaign | seeds | labels in all | error at the end | expected | "
        + " | ".join(f"oracle's labels, w = {w}" for w in WORTH)
        + " |",
        "|---" * (5 + len(WORTH)) + "|",
    ]
    for name in (name for name in CURVES if name in kept):
        runs = [run for run in campaigns(kept) if run.curve == name]
        best = [", ".join(str(run.kept["labels"][run.oracle(worth)]) for run in runs) for worth in WORTH]
        end, thought = (mean(run.kept[key][-1] for run in runs) for key in ("test", "expected_error"))
        lines.append(
            f"| {CURVES[name].title} | {len(runs)} | {runs[0].kept['labels'][-1]} | {1 - end:.1%} | {thought:.1%} | "
            f"{' | '.join(best)} |"
        )
    return "\n".join(lines) + "\n"


def _regret(stops: Sequence[Stop], worth: float) -> float:
    return mean(stop.regret(worth) for stop in stops)


def _best(stop: Stop) -> int:
    """Labels of the oracle."""
    campaign = stop.campaign
    return int(campaign.kept["labels"][campaign.oracle(MAIN)])


def _spelled(rule: str) -> str:
    return f"*{rule}*" if " " in rule else f"`{rule}`"


def picture(found: Mapping[str, Sequence[Stop]]) -> Figure:
    """A row a rule, a mark a campaign: labels spent over the oracle's."""
    palette = Palette()
    rules = sorted(found, key=lambda rule: _regret(found[rule], MAIN), reverse=True)
    there = {stop.campaign.curve for stops in found.values() for stop in stops}
    names = [name for name in CURVES if name in there]
    with style(8.5):
        figure, axes = blank((8.2, 0.31 * len(rules) + 1.3), palette=palette)
        for row, rule in enumerate(rules):
            for stop in found[rule]:
                place = names.index(stop.campaign.curve)
                colour = palette.arms[place % len(palette.arms)]
                axes.plot(
                    stop.labels / _best(stop),
                    row + 0.1 * (place - (len(names) - 1) / 2),
                    marker=MARKERS[place % len(MARKERS)],
                    markersize=4.5,
                    markeredgecolor=colour,
                    markerfacecolor=colour if stop.stopped else palette.paper,
                    linestyle="none",
                )
        for place, name in enumerate(names):
            axes.plot(
                [],
                [],
                marker=MARKERS[place % len(MARKERS)],
                color=palette.arms[place % len(palette.arms)],
                linestyle="none",
                label=CURVES[name].title,
            )
        axes.axvline(1, color=palette.faint, linewidth=1)
        dress(axes, palette=palette)
        axes.set_xscale("log")
        axes.set_xlabel("labels spent / labels of the oracle", color=palette.ink)
        axes.set_yticks(range(len(rules)), [rule.replace("+", " +\n") for rule in rules])
        axes.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
        axes.minorticks_off()
        figure.legend(loc="outside lower center", ncols=2, frameon=False, labelcolor=palette.ink)
    return figure
