"""The pages of strategies, from their classes alone: what it does, the formula, when and when not, what it costs."""

from __future__ import annotations

import ast
import doctest
import inspect
import json
import re
from pathlib import Path

from docstrings import as_markdown

from querist.core.docstrings import FORMULA, NOT, USE, sections
from querist.core.papers import papers, reference, short, spelled

ROOT = Path(__file__).resolve().parents[1]
LETTERS = "n rows, m labelled, k picks, c classes, d numbers in an embedding, s samples, u units"
QUOTES = ("'", '"')


def strategy_page(name: str) -> str:
    """A strategy's page, from its class alone."""
    from querist.strategies import registry

    cls = registry[name]
    said = sections(cls.__doc__)
    lead, header = _header(cls)
    boxes = "".join(
        _box(kind, heading, said[heading])
        for kind, heading in (("abstract", FORMULA), ("success", USE), ("warning", NOT))
        if heading in said
    )
    options = "" if "Args" in said else "It has none.\n\n"
    return (
        f"# {cls.__name__}\n\n**{lead}**\n\n{_prose(said[''])}\n\n{boxes}\n"
        f"## Try it\n\n```python\n{example(cls)}\n```\n\n"
        f"On the command line: `querist run --strategy {name}`, and `querist strategies --why {name}`.\n\n"
        f"{_measured(name)}## Paper and cost\n\n{_facts(name)}\n{_prose(header)}\n\n"
        f"## Options\n\n{options}::: {cls.__module__}.{cls.__name__}\n    options:\n      heading_level: 3\n"
        "      members: []\n      show_docstring_description: false\n      show_docstring_examples: false\n"
    )


def _header(cls: type) -> tuple[str, str]:
    """What the file of a class says: the first sentence without the name, and the rest."""
    lead, _, header = (inspect.getdoc(inspect.getmodule(cls)) or "").partition("\n\n")
    return _capital(" ".join((lead.partition(": ")[2] or lead).split())), header


def _facts(name: str) -> str:
    """What there is to know of a strategy, a line each."""
    from querist.strategies import describe, registry

    cls, said = registry[name], describe(name)
    fields = papers().get(cls.paper)
    facts = {
        "Paper": reference(fields) if fields else "none: a baseline" if not cls.paper else cls.paper,
        "Cost": f"{cls.cost} ({LETTERS})" if cls.cost else "",
        "Reads": ", ".join(f"`{view}`" for view in said["views"]) or "nothing of the model",
        "Tasks": ", ".join(cls.tasks),
        "Chance": "the seed breaks ties only" if cls.deterministic else "it draws: another seed gives other picks",
        "Kind": f"a {said['kind']}, and this runs it" if said["kind"] != "strategy" else "",
        "Slow": getattr(cls, "slow", ""),
        "Without labels": "it raises `ColdStart`" if cls.needs_labels else "",
        "Family": cls.family,
        "Rows of the literature table": ", ".join(cls.rows),
        "Section of the survey": f"{cls.survey} of {_cited('ren2021survey')}" if cls.survey else "",
        "File": f"`{said['file']}`",
        **{f"Known gap, {check}": reason for check, reason in cls.known_gaps.items()},
    }
    return "".join(f"- **{fact}**: {' '.join(value.split())}\n" for fact, value in facts.items() if value)


def example(cls: type) -> str:
    """The example of a class as a script that can be copied: what it prints stands in comments.

    Example:
        >>> print(example(type("A", (), {"__doc__": "A.\\n\\nExample:\\n    >>> 1 + 1\\n    2", "__module__": "b"})))
        from b import A
        <BLANKLINE>
        print(1 + 1)  # 2
    """
    lines = [f"from {cls.__module__.partition('.strategies.')[0]}.strategies import {cls.__name__}"]
    if ".strategies." not in cls.__module__:
        lines = [f"from {cls.__module__} import {cls.__name__}"]
    found = doctest.DocTestParser().get_examples(inspect.cleandoc(cls.__doc__ or ""))
    imports = [part.source.strip() for part in found if part.source.startswith(("from ", "import "))]
    names = {word for part in found for word in re.findall(r"\b(torch|np)\b", part.source)}
    lines = [{"torch": "import torch", "np": "import numpy as np"}[word] for word in sorted(names)] + lines
    lines = [*sorted(set(lines) - set(imports)), *imports, ""]
    for part in found:
        source, want = part.source.strip(), part.want.strip()
        if source in imports:
            continue
        if not want or "\n" in source + want or source.startswith("print("):
            lines.append(source)
            continue
        code, _, remark = source.partition("  #")
        lines += [f"#{remark}"] if remark else []
        code = code.strip()
        # What the prompt shows and ``print`` does not: the brackets of a bare tuple, the quotes of a text.
        code = f"({code})" if isinstance(ast.parse(code, mode="eval").body, ast.Tuple) and code[0] != "(" else code
        lines.append(f"print({f'repr({code})' if want[0] in QUOTES else code})  # {want}")
    return "\n".join(lines)


def _measured(name: str) -> str:
    """What the results have on a strategy (benchmarks/results), a line a data set; nothing where there is none."""
    from querist.bench.curves import area_under_curve
    from querist.bench.intervals import paired

    lines = []
    for file in sorted((ROOT / "docs" / "results" / "strategies").glob("*.json")):
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        mine, twin = (cells.get(one, {}).get("seeds", {}) for one in (name, "random"))
        shared = sorted(set(mine) & set(twin))
        if name == "random" or len(shared) < 2:
            continue
        heights = [
            [100 * area_under_curve(list(zip(arm[seed]["labels"], arm[seed]["value"], strict=True))) for seed in shared]
            for arm in (mine, twin)
        ]
        over = paired(*heights)
        lines.append(
            f"- [{file.stem}](../results/strategies/{file.stem}.md): {over.mean:+.2f} points over random "
            f"({over.low:+.2f} to {over.high:+.2f}) from {mine[shared[0]]['labels'][0]} to "
            f"{mine[shared[0]]['labels'][-1]} labels\n"
        )
    return f"## Measured\n\n{''.join(lines)}\n" if lines else ""


def _box(kind: str, heading: str, text: str) -> str:
    body = _prose(text) if heading == FORMULA else _capital(_prose(text))
    return f'!!! {kind} "{heading}"\n\n' + "".join(f"    {line}\n" for line in body.splitlines()) + "\n"


def _prose(text: str) -> str:
    """Words of a docstring for a page two folders from the list of papers: papers are links to it."""
    return spelled(as_markdown(text), lambda key, _: _cited(key))


def _cited(key: str) -> str:
    return f"[{short(papers()[key])}](../papers.md#{key})"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def strategies_page() -> str:
    """All strategies by family, with a sentence each."""
    from querist.strategies import registry

    parts = [
        "# Strategies\n\nEach is one file, with one published idea; `querist strategies` prints the same list, and "
        "`querist strategies --why NAME` what is to be said for and against one. Costs: "
        f"{LETTERS}.\n"
    ]
    for family in sorted({registry[name].family for name in registry}):
        parts.append(
            f"\n## {_capital(family)}\n\n| name | what it does | paper | rows | cost |\n|---|---|---|---|---|\n"
        )
        for name in registry:
            cls = registry[name]
            if cls.family == family:
                paper = _cited(cls.paper) if cls.paper in papers() else cls.paper
                cells = (f"[{name}]({name}.md)", _header(cls)[0], paper, ", ".join(cls.rows), cls.cost)
                parts.append(f"| {' | '.join(map(cell, cells))} |\n")
    return "".join(parts)


def cell(text: str) -> str:
    """A text that may stand in a table."""
    return " ".join(text.split()).replace("|", "\\|")
