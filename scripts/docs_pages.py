"""Pages that the code itself tells: strategies, commands, the API, papers. MkDocs calls this while it builds.

``pages`` gives every such page as text; nothing is written to disk, so nothing can go stale or be committed.
The README, the guide to contributing and the changelog become pages too, with their links turned.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # MkDocs runs this file, it does not import it
from docstrings import as_markdown
from strategy_pages import cell, strategies_page, strategy_page

from querist.core.papers import papers, reference

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "querist"

# A link of a page at the root of the repository -> the same page in the docs.
TURNED = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "docs/refs.bib": "papers.md",
    "examples": "examples.md",
}


def commands_page() -> str:
    """Every command with its arguments and options, from the declarations that parse them."""
    from typer.main import get_command

    from querist.cli.app import app

    group: Any = get_command(app)
    parts = ["# Commands\n\n`querist COMMAND --help` prints the same.\n"]
    for name, command in group.commands.items():
        rows = "".join(_option_row(option) for option in command.params if not getattr(option, "hidden", False))
        parts.append(f"\n## querist {name}\n\n{inspect.cleandoc(command.help or '')}\n\n")
        parts.append(f"| word | default | what it says |\n|---|---|---|\n{rows}")
    return "".join(parts)


def _option_row(option: Any) -> str:
    from rich.text import Text

    spelled = ", ".join(f"`{word}`" for word in (*option.opts, *option.secondary_opts))
    if option.param_type_name == "argument":
        spelled = f"`{option.metavar or option.name.upper()}`"
    said = Text.from_markup(getattr(option, "help", None) or "").plain
    default = "" if option.default in (None, False) or callable(option.default) else f"`{option.default}`"
    return f"| {spelled} | {default} | {cell(said)} |\n"


def api_page(room: str) -> str:
    """What a room offers: its own words, then every public thing of its files."""
    from querist.strategies import registry

    docstring = ast.get_docstring(ast.parse((PACKAGE / room / "__init__.py").read_text(encoding="utf-8")))
    parts = [f"# querist.{room}\n\n{as_markdown(docstring or '')}\n"]
    of_their_own = {registry.module_of(name) for name in registry}
    for module in _modules(PACKAGE / room, f"querist.{room}"):
        if module in of_their_own:
            continue  # a strategy has a page of its own
        parts.append(f"\n::: {module}\n    options:\n      heading_level: 2\n      show_root_full_path: true\n")
    return "".join(parts)


def _modules(folder: Path, dotted: str) -> Iterator[str]:
    for file in sorted(folder.rglob("*.py")):
        steps = file.relative_to(folder).with_suffix("").parts
        if not file.name.startswith("_") and "migrations" not in steps:
            yield ".".join((dotted, *steps))


def examples_page() -> str:
    """The scripts of ``examples/``, as they are."""
    parts = ["# Examples\n\nEach runs in the tests.\n"]
    for file in sorted((ROOT / "examples").glob("*.py")):
        parts.append(f"\n## {file.name}\n\n```python\n{file.read_text(encoding='utf-8').strip()}\n```\n")
    return "".join(parts)


def papers_page() -> str:
    """The list of papers."""
    lines = [f'- <a id="{key}"></a>**{key}**: {reference(fields)}\n' for key, fields in sorted(papers().items())]
    return f"# Papers\n\nCited by key in the code.\n\n{''.join(lines)}"


def root_page(name: str) -> str:
    """A page that stands at the root of the repository."""
    text = (ROOT / name).read_text(encoding="utf-8")

    def turned(match: re.Match[str]) -> str:
        target = match[1]
        return f"]({TURNED.get(target, target.removeprefix('docs/'))})"

    return re.sub(r"\]\(([^)#:]+)\)", turned, text)


def pages() -> dict[str, str]:
    """Path in the docs -> text, of every page that is made."""
    from querist.strategies import registry

    rooms = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))
    return {
        "index.md": root_page("README.md"),
        "contributing.md": root_page("CONTRIBUTING.md"),
        "changelog.md": root_page("CHANGELOG.md"),
        "commands.md": commands_page(),
        "examples.md": examples_page(),
        "papers.md": papers_page(),
        "strategies/index.md": strategies_page(),
        **{f"strategies/{name}.md": strategy_page(name) for name in registry},
        **{f"api/{room}.md": api_page(room) for room in rooms},
    }


RESULTS = ROOT / "docs" / "results"


def with_results(markdown: str) -> str:
    """A page with the tables that it asks for (``<!-- results: selection/k_center -->``), and plots (``picture:``)."""

    def table(match: re.Match[str]) -> str:
        file = RESULTS / f"{match[1]}.md"
        return file.read_text(encoding="utf-8") if file.exists() else "*Not measured yet.*\n"

    def picture(match: re.Match[str]) -> str:
        there = (RESULTS / f"{match[1]}.svg").exists()
        return f"![{match[2]}]({match[1]}.svg)" if there else "*Not drawn yet.*"

    markdown = re.sub(r"<!-- results: (\S+) -->", table, markdown)
    return re.sub(r"<!-- picture: (\S+) (.+?) -->", picture, markdown)


def with_formats(markdown: str) -> str:
    """A page with the table of formats and what they hold in the place of ``<!-- formats -->``."""
    from querist.storage.formats.capabilities import table

    return markdown.replace("<!-- formats -->", table()) if "<!-- formats -->" in markdown else markdown


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """MkDocs' hook: put measured tables into the pages of results, and the table of formats into the guide."""
    return with_results(markdown) if page.file.src_uri.startswith("results/") else with_formats(markdown)


def on_files(files: Any, *, config: Any) -> Any:
    """MkDocs' hook: add the pages, and fill the sections of the navigation that name no page."""
    from mkdocs.structure.files import File

    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    for section in config.nav:
        if isinstance(section, dict) and (folder := next(iter(section)).lower()) in ("strategies", "api", "decisions"):
            found = [file.src_uri for file in files if file.src_uri.startswith(f"{folder}/")]
            section[next(iter(section))] = sorted(found, key=lambda uri: (not uri.endswith("index.md"), uri))
    return files
