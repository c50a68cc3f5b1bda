"""The docs speak of everything that is there: strategies, commands and their options, views, decisions."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import querist.views
from querist.strategies import registry

ROOT = Path(__file__).resolve().parents[2]


def script(name: str) -> ModuleType:
    """A file of ``scripts/`` as a module: they are run, not installed."""
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        return __import__(name)
    finally:
        sys.path.pop(0)


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return script("docs_pages").pages()


@pytest.fixture(scope="module")
def papers() -> dict[str, dict[str, str]]:
    from querist.core.papers import papers

    return papers()


def test_there_are_strategies_to_speak_of() -> None:
    assert len(registry) >= 14


@pytest.mark.parametrize("name", list(registry))
def test_a_strategy_has_a_page(name: str, pages: dict[str, str], papers: dict[str, dict[str, str]]) -> None:
    cls, page = registry[name], pages[f"strategies/{name}.md"]
    assert f"({name}.md)" in pages["strategies/index.md"]
    assert f"::: {cls.__module__}.{cls.__name__}" in page
    for word in (cls.family, *cls.rows, *cls.tasks):
        assert word in page
    if cls.paper:
        assert papers[cls.paper]["title"] in page


@pytest.mark.parametrize("name", list(registry))
def test_the_example_of_a_page_runs_as_it_stands(
    name: str, pages: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    _, _, rest = pages[f"strategies/{name}.md"].partition("```python\n")
    code, _, _ = rest.partition("```")
    exec(compile(code, name, "exec"), {"__name__": name})
    shown = [line.partition(")  # ")[2] for line in code.splitlines() if line.startswith("print(")]
    assert capsys.readouterr().out.splitlines() == shown


@pytest.mark.parametrize("name", [name for name in registry if registry[name].rows])
def test_a_page_says_when_and_when_not(name: str, pages: dict[str, str]) -> None:
    page = pages[f"strategies/{name}.md"]
    for heading in (
        '!!! abstract "Formula"',
        '!!! success "Use it when"',
        '!!! warning "Not when"',
        "**Cost**",
    ):
        assert page.count(heading) == 1
    keys = set(re.findall(r"papers\.md#(\w+)", page))
    assert all(f'<a id="{key}">' in pages["papers.md"] for key in keys)


def test_no_key_of_a_paper_is_misspelt(pages: dict[str, str], papers: dict[str, dict[str, str]]) -> None:
    """What looks like a key on a page of a strategy was found in the list, and is a link by now."""
    for name in registry:
        words = re.findall(r"(?<![#\w])[a-z]+(?:19|20)\d\d[a-z]+\b", pages[f"strategies/{name}.md"])
        assert not words, f"{name}: {words}"


def test_every_option_of_every_command_is_on_the_page(pages: dict[str, str]) -> None:
    from typer.main import get_command

    from querist.cli.app import app

    group: Any = get_command(app)
    assert set(group.commands) >= {
        "run",
        "predict",
        "report",
        "strategies",
        "select",
        "plan",
        "export",
        "import",
        "doctor",
    }
    for name, command in group.commands.items():
        _, _, section = pages["commands.md"].partition(f"\n## querist {name}\n")
        section = section.partition("\n## ")[0]
        assert section, name
        for option in command.params:
            spelled = option.opts[0] if option.param_type_name == "option" else option.metavar or option.name.upper()
            assert spelled in section, (name, spelled)


@pytest.mark.parametrize("name", [name for name in querist.views.__all__ if name[0].isupper()])
def test_a_view_is_in_the_api(name: str, pages: dict[str, str]) -> None:
    assert f"::: {getattr(querist.views, name).__module__}\n" in pages["api/views.md"]


def test_every_paper_has_what_a_reader_needs(papers: dict[str, dict[str, str]]) -> None:
    assert len(papers) >= 10
    assert [key for key, fields in papers.items() if not {"author", "title", "year"} <= set(fields)] == []
    assert [value for fields in papers.values() for value in fields.values() if set(value) & set("{}\\")] == []
    assert papers["houlsby2011bayesian"]["author"].startswith("Houlsby, Neil and Huszár")
    assert len(papers) == (ROOT / "docs" / "refs.bib").read_text(encoding="utf-8").count("\n@")


def test_every_decision_is_listed_and_short() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "index.md").read_text(encoding="utf-8")
    records = sorted(file for file in folder.glob("0*.md"))
    assert len(records) >= 4
    for number, record in enumerate(records, start=1):
        assert f"{number}. [" in index
        assert f"({record.name})" in index
        assert record.name.startswith(f"{number:04d}-")
        assert len(record.read_text(encoding="utf-8").split()) <= 650


def test_the_guide_has_the_table_of_formats() -> None:
    from querist.storage.formats import registry as formats
    from querist.storage.formats.capabilities import spelled

    page = (ROOT / "docs" / "guide" / "labels_in_and_out.md").read_text(encoding="utf-8")
    shown = script("docs_pages").with_formats(page)
    assert page != shown
    assert all(f"\n| `{spelled(name)}` |" in shown for name in formats)


def test_the_tree_in_the_readme_is_true() -> None:
    assert script("readme_tree").main() == 0, "try: python scripts/readme_tree.py --write"


def test_the_docs_build_without_a_warning(tmp_path: Path) -> None:
    """Strict: a dead link, a page in no section or a docstring that cannot be read ends the build.

    Not ``--quiet``: it hides the warnings from the check as well.
    """
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(build, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    html = (tmp_path / "strategies" / "badge.html").read_text(encoding="utf-8")
    assert "Badge" in html
    for page in tmp_path.rglob("*.html"):
        assert "fonts.googleapis" not in page.read_text(encoding="utf-8"), page
