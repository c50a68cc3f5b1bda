"""A mirror of file sizes: every Python file over 300 lines is shown, and one over 500 fails.

A long file is most often two ideas. It is a mirror, not a goal: nobody is asked to squeeze lines.
"""

from __future__ import annotations

import sys
from pathlib import Path

SHOWN, REFUSED = 300, 500


def main(folders: list[str]) -> int:
    """Print the long files of ``folders``; 1 if one is over the limit."""
    files = [file for folder in folders for file in Path(folder).rglob("*.py")]
    sizes = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in files}
    for file, lines in sorted(sizes.items(), key=lambda item: -item[1]):
        if lines > SHOWN:
            print(f"{lines:5d}  {file}{' is over the limit: split it' if lines > REFUSED else ''}")
    print(f"{len(sizes)} Python files, {sum(sizes.values())} lines")
    return int(any(lines > REFUSED for lines in sizes.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
