"""Write the folder tree of the README, one line a folder, or check that it is true.

The lines come from the code: a package says in the first sentence of its docstring what it is. Run it with
``--write`` after adding a folder; ``--check`` (part of ``make check``) fails while the two differ.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
START, END = "<!-- tree: scripts/readme_tree.py -->\n```\n", "```\n<!-- end of tree -->"

# From the top of the house to the ground: a room may use those below it.
FLOORS = (
    ("cli",),
    ("server", "bench", "scale"),
    ("loop",),
    ("models", "stopping", "oracles", "planning", "streams"),
    ("strategies", "training"),
    ("views",),
    ("pool", "selectors", "tasks", "storage", "crowd"),
    ("scores",),
    ("core",),
    ("testing",),
)
OUTSIDE = {
    "tests": "unit/ mirrors src, contract/ checks every role by discovery, packaging/ the wheel, docs/ these pages",
    "docs": "the guide, the decision records, and refs.bib; a page a strategy is made when the docs are built",
    "examples": "short scripts that run in the tests",
    "benchmarks": "selection/ (`make bench`), labelling/ (`make soak`), papers/ and results/ (docs/results)",
    "scripts": "what `make check` and `make docs` call",
}


def first_sentence(file: Path) -> str:
    """What a module says it is."""
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return " ".join(docstring.split("\n\n")[0].split()).split(". ")[0].removesuffix(".").replace("``", "")


def tree() -> str:
    """The lines of the tree, from the top of the house to the ground, then what stands around it."""
    package = ROOT / "src" / "querist"
    found = {path.parent.name for path in package.glob("*/__init__.py")}
    if strange := found - {room for floor in FLOORS for room in floor}:
        raise SystemExit(f"no floor is known for {', '.join(sorted(strange))}: add it to FLOORS and to .importlinter")
    lines = ["src/querist/"]
    for floor in FLOORS:
        lines += [
            f"  {room + '/':<12} {first_sentence(package / room / '__init__.py')}" for room in floor if room in found
        ]
    lines += [f"{folder + '/':<14} {what}" for folder, what in OUTSIDE.items() if any((ROOT / folder).glob("*"))]
    return "".join(f"{line}\n" for line in lines)


def main() -> int:
    """Compare, and write if asked to."""
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(START)
    shown, after = rest.split(END)
    if shown == tree():
        return 0
    if "--write" in sys.argv:
        readme.write_text(f"{before}{START}{tree()}{END}{after}", encoding="utf-8")
        return 0
    print("the tree in README.md is not what the folders say; try: python scripts/readme_tree.py --write")
    return 1


if __name__ == "__main__":
    sys.exit(main())
