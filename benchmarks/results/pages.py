"""The pages: one that says all in a table, and one a study with numbers and pictures. Made from the data alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from pathlib import Path

from benchmarks.results.kept import Kept
from benchmarks.results.studies import AUTO, LOOKAHEAD, TWINS, arms

from querist.bench.intervals import Interval
from querist.bench.picture import Line, curves, panels, svg
from querist.storage.atomic import atomic_write

FLOOR = -8.0
"""Points under random that pictures show at most."""
WINDOWS = ((0.0, 3.0), (3.0, 8.0), (8.0, inf))
"""Labels a class, from and below, at which strategies are told apart."""

HOW = (
    "*Height* is the mean height of the learning curve, in points of accuracy: its area over the labels, divided by "
    "their span. *Over random* and *over margin* are differences of heights with the same first rows and the same "
    "training seeds, seed by seed. Brackets hold the 95 % interval (Student's) over the seeds, and a number is "
    "**bold** where its interval leaves out zero. A few seeds say little: of 50 comparisons with a strategy that is "
    "no better, two or three come out bold, and an order of strategies may turn with other seeds "
    "([Werner et al. 2024](../../papers.md#werner2024cross)).\n"
)


def write_pages(folder: Path, kept: Mapping[str, Kept]) -> None:
    """Write the pages and pictures of all studies.

    Args:
        folder: where they go.
        kept: study -> what was measured.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for study, found in kept.items():
        drawn = pictures(found)
        for name, text in drawn.items():
            _write(folder / f"{study}-{name}.svg", text)
        for old in folder.glob(f"{study}-*.svg"):
            if old.stem.removeprefix(f"{study}-") not in drawn:
                old.unlink()
        _write(folder / f"{study}.md", study_page(found, list(drawn)))
    _write(folder / "index.md", index_page(kept))


def _write(file: Path, text: str) -> None:
    with atomic_write(file) as stream:
        stream.write(text.encode())


def index_page(kept: Mapping[str, Kept]) -> str:
    """All strategies, and what each was over random in every study."""
    names = sorted({name for found in kept.values() if not found.study.only for name in found.cells}, key=_place)
    main = {study: found for study, found in kept.items() if not study.endswith("_ahead") and not found.study.only}
    parts = [
        "# Every strategy on three data sets\n\nWhat `python -m benchmarks.results` found: each registered strategy "
        "with its default options, beside random and margin, from the same first rows. Disappointing numbers stay. "
        "Points of accuracy over random, the mean over the learning curve:\n\n"
        f"| strategy | family |{''.join(f' [{found.study.title}]({study}.md) |' for study, found in main.items())}\n"
        f"|---|---|{'---|' * len(main)}\n"
    ]
    for name in names:
        if name == "random":
            continue
        cells = [_cell_over(main[study], kept.get(f"{study}_ahead"), name) for study in main]
        parts.append(f"| {_link(name)} | {_family(name)} | {' | '.join(cells)} |\n")
    if not names:
        parts.append("\nNothing was measured yet.\n")
    parts.append(_regimes({study: found for study, found in kept.items() if found.study.only and found.cells}))
    parts.append(f"\n{HOW}\n## Settings\n\n")
    for study, found in kept.items():
        counts = found.study
        among = f", {counts.candidates} random rows scored each round" if counts.candidates else ""
        parts.append(
            f"- [{counts.title}]({study}.md): {counts.about}. {counts.initial} labels to begin with, then "
            f"{counts.rounds} rounds of {counts.batch}{among}.\n"
        )
    parts.append(
        "\nA strategy that looks ahead pays trainings for every row it considers, so it is tried with a logistic head "
        "on fixed features, where its twins are too.\n\n## Running it again\n\n"
        "```text\npython -m benchmarks.results --plan            what would run, and for how long\n"
        "python -m benchmarks.results --workers 2       everything that is missing; stop it and start it as you like\n"
        "python -m benchmarks.results --only badge --again badge\n```\n"
    )
    return "".join(parts)


def _regimes(kept: Mapping[str, Kept]) -> str:
    """A table of the studies that say what the advisor should take, where there are any."""
    if not kept:
        return ""
    names = sorted({name for found in kept.values() for name in found.cells} - {"random"}, key=_place)
    lines = [
        "\n## First labels, rare classes, large batches\n\nA few strategies where labels are fewest, classes rare or "
        "batches large: what the [advisor](../../guide/which_strategy.md) (`auto`) was made from. Points over "
        "random:\n\n"
        f"| strategy |{''.join(f' [{found.study.title}]({study}.md) |' for study, found in kept.items())}\n"
        f"|---|{'---|' * len(kept)}\n"
    ]
    for name in names:
        cells = [_over(found, name, "random") if name in found.cells else "-" for found in kept.values()]
        lines.append(f"| {_link(name)} | {' | '.join(cells)} |\n")
    return "".join(lines)


def _cell_over(found: Kept, ahead: Kept | None, name: str) -> str:
    if name not in found.cells and ahead is not None and name in ahead.cells:
        return f"{_over(ahead, name, 'random')} (logistic head)"
    return _over(found, name, "random") if name in found.cells else "-"


def _over(found: Kept, name: str, twin: str) -> str:
    if found.cells[name]["status"] != "ok":
        return found.cells[name]["status"]
    over = found.over(name, twin)
    return "-" if over is None else signed(over)


def signed(found: Interval) -> str:
    """A difference with its interval, bold where the interval leaves out zero.

    Example:
        >>> signed(Interval(mean=1.25, low=0.5, high=2.0)), signed(Interval(mean=0.1, low=-0.5, high=0.7))
        ('**+1.25** (+0.50 to +2.00)', '+0.10 (-0.50 to +0.70)')
    """
    mark = "" if found.holds(0) else "**"
    return f"{mark}{found.mean:+.2f}{mark} ({found.low:+.2f} to {found.high:+.2f})"


def study_page(found: Kept, drawn: Sequence[str]) -> str:
    """Numbers and pictures of one study."""
    study = found.study
    among = f" {study.candidates} random rows are scored each round." if study.candidates else ""
    parts = [
        f"# {study.title}\n\n{_sentence(study.about)} {study.initial} labels to begin with, then {study.rounds} rounds "
        f"of {study.batch}.{among} See [all data sets](index.md).\n\n{HOW}\n"
    ]
    if not found.cells:
        return f"{parts[0]}Nothing was measured yet.\n"
    if "curves" in drawn:
        parts.append(f"![Learning curves of the twins and of the best]({study.name}-curves.svg)\n\n")
    parts.append(
        "| strategy | height | over random | over margin | with all labels | train, s | views, s | select, s |\n"
        "|---|---|---|---|---|---|---|---|\n"
    )
    for name in sorted(found.done, key=lambda one: -found.height(one).mean):
        height = found.height(name)
        half = f" ± {height.half:.2f}" if len(found.seeds(name)) > 1 else ""
        spent = " | ".join(f"{found.seconds(name, part):.1f}" for part in ("train", "views", "select"))
        parts.append(
            f"| {_link(name)} | {height.mean:.2f}{half} | {_over(found, name, 'random')} | "
            f"{_over(found, name, 'margin')} | {found.last(name):.1f} | {spent} |\n"
        )
    parts.append(_by_labels(found))
    failed = {name: cell for name, cell in sorted(found.cells.items()) if cell["status"] != "ok"}
    if failed:
        parts.append("\n## Not measured\n\n")
        parts += [f"- **{name}**: {cell.get('message', cell['status'])}\n" for name, cell in failed.items()]
    families = [name for name in drawn if name != "curves"]
    if families:
        parts.append(
            "\n## Over random, family by family\n\nPoints of accuracy over random with the same number of labels, the "
            "mean of the seeds in a band from the lowest to the highest; the dashed line is margin. A name with an "
            f"arrow goes below the picture, under {FLOOR:g}.\n"
        )
    for family in families:
        parts.append(f"\n### {_sentence(family, '')}\n\n![{family}]({study.name}-{family}.svg)\n")
    machine = found.machine
    parts.append(
        f"\nSeconds are those of a campaign (one seed), one thread, on {machine.get('processor', 'a machine')} "
        f"(torch {machine.get('torch', '?')}), by the clock, beside other work that "
        f"at times stopped a cell. All rounds as data: [{study.name}.json]"
        f"({study.name}.json).\n"
    )
    return "".join(parts)


def _by_labels(found: Kept) -> str:
    """Over random while labels are few, some and many, where a campaign goes through at least two of these."""
    bounds = [(first * found.study.classes, stop * found.study.classes) for first, stop in WINDOWS]
    names = sorted((name for name in found.done if name != "random"), key=lambda one: -found.height(one).mean)
    table = {name: [found.over_between(name, "random", *each) for each in bounds] for name in names}
    shown = [place for place in range(len(bounds)) if any(row[place] is not None for row in table.values())]
    if len(shown) < 2:
        return ""
    heads = [f" {_window(*WINDOWS[place])} labels a class |" for place in shown]
    lines = [
        "\n## Over random, by labels so far\n\n",
        f"| strategy |{''.join(heads)}\n",
        f"|---|{'---|' * len(heads)}\n",
    ]
    for name, row in table.items():
        cells = ["-" if (one := row[place]) is None else signed(one) for place in shown]
        lines.append(f"| {_link(name)} | {' | '.join(cells)} |\n")
    return "".join(lines)


def _window(first: float, stop: float) -> str:
    return f"{first:g} and more" if stop == inf else f"{first:g} to {stop:g}" if first else f"under {stop:g}"


def pictures(found: Kept) -> dict[str, str]:
    """Pictures of a study by name: ``curves``, then one a family."""
    drawn: dict[str, str] = {}
    twins = [name for name in TWINS if name in found.done]
    others = [name for name in found.done if name not in TWINS]
    best = sorted(others, key=lambda name: -found.height(name).mean)[:2]
    if not twins:
        return drawn
    lines = [_line(found, name) for name in (*best, *reversed(twins))]
    figure = curves(lines, value=f"test {found.study.metric}", size=(7.6, 4.0))
    drawn["curves"] = svg(
        figure, title=f"{found.study.title}: learning curves of {', '.join(line.name for line in lines)}"
    )
    if "random" not in found.done:
        return drawn
    margin = _difference(found, "margin") if "margin" in found.done else None
    for family in sorted({_family(name) for name in others}):
        lines = [_difference(found, name) for name in others if _family(name) == family]
        lines = [line for line in lines if line.points]
        if lines:
            figure = panels(lines, value="points over random", twin=margin, floor=FLOOR)
            drawn[family] = svg(figure, title=f"{found.study.title}: {family} strategies over random")
    return drawn


def _line(found: Kept, name: str) -> Line:
    tables = [dict(found.curve(name, seed)) for seed in found.seeds(name)]
    return _over_seeds(name, tables)


def _difference(found: Kept, name: str) -> Line:
    shared = [seed for seed in found.seeds(name) if seed in found.seeds("random")]
    tables = []
    for seed in shared:
        twin = dict(found.curve("random", seed))
        tables.append({at: 100 * (value - twin[at]) for at, value in found.curve(name, seed) if at in twin})
    return _over_seeds(name, tables)


def _over_seeds(name: str, tables: Sequence[Mapping[int, float]]) -> Line:
    labels = sorted(set.intersection(*(set(table) for table in tables))) if tables else []
    values = [[table[at] for table in tables] for at in labels]
    return Line(
        name=name,
        points=[(at, sum(each) / len(each)) for at, each in zip(labels, values, strict=True)],
        band=[(min(each), max(each)) for each in values] if len(tables) > 1 else (),
    )


def _family(name: str) -> str:
    known = arms()
    return str(known[name].family) if name in known else "gone"


def _link(name: str) -> str:
    page = "../../guide/which_strategy.md" if name == AUTO else f"../../strategies/{name}.md"
    return f"[{name}]({page})"


def _place(name: str) -> tuple[bool, str, str]:
    """Twins, then families, the ones that look ahead last."""
    return name not in TWINS, f"~{_family(name)}" if _family(name) == LOOKAHEAD else _family(name), name


def _sentence(text: str, end: str = ".") -> str:
    return text[:1].upper() + text[1:] + (end if not text.endswith(".") else "")
