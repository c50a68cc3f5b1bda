"""``querist doctor``: what is installed, which device, what each extra would add."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from querist.cli.console import out, print_json
from querist.cli.options import Json
from querist.core.device import machine_memory
from querist.core.optional import installed

ADDS = {
    "hf": "Hugging Face models and data sets: --model hf:PATH, frozen encoders, data hf:NAME",
    "heic": "reading HEIC photos",
    "serve": "the labelling page",
    "ray": "scoring on many machines",
    "llm": "a language model as annotator, behind an HTTP endpoint",
    "postgres": "a journal on PostgreSQL, for teams",
}
"""What a person gets from each extra; packages and whether they are there are read from the package's own metadata."""

SHOWN = ("torch", "numpy", "scikit-learn", "faiss-cpu", "sqlalchemy", "typer", "rich", "matplotlib")


def doctor(json: Json = False) -> None:
    """What is installed, which device, what each extra would add."""
    found = examination()
    if json:
        print_json(found)
    else:
        _print(found)


def examination() -> dict[str, Any]:
    """Everything that the command tells, as plain data."""
    return {
        "querist": version("querist"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "executable": sys.executable,
        "cores": cores(),
        "memory_gb": memory_gb(),
        "device": device(),
        "packages": {name: _version(name) for name in SHOWN},
        "extras": extras(),
        "data": data_folder(),
    }


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_gb() -> float | None:
    """Memory that there is; ``None`` where nobody says."""
    found = machine_memory()
    return None if found is None else round(found / 1e9, 1)


def device() -> dict[str, Any]:
    """The device that ``--device auto`` takes, and its name."""
    import torch

    from querist.core.device import pick_device

    picked = pick_device("auto")
    name = torch.cuda.get_device_name(picked) if picked.type == "cuda" else platform.processor() or platform.machine()
    return {"auto": str(picked), "name": name, "threads": torch.get_num_threads()}


def extras() -> dict[str, dict[str, Any]]:
    """Each extra: whether all its packages are there, which are, and what it adds."""
    found: dict[str, dict[str, Any]] = {}
    for extra, names in _extra_packages():
        versions = {name: _version(name) for name in names}
        found[extra] = {
            "installed": all(versions.values()),
            "adds": ADDS.get(extra, ""),
            "packages": versions,
            "install": f"pip install 'querist[{extra}]'",
        }
    return found


def _extra_packages() -> Iterator[tuple[str, list[str]]]:
    """Extras and their packages, from the installed package's metadata; not those for its own developers."""
    packages: dict[str, list[str]] = {}
    for requirement in requires("querist") or ():
        match = re.match(r"([\w.-]+).*;.*extra == ['\"]([\w-]+)['\"]", requirement)
        if match and match[1] != "querist" and match[2] not in ("dev", "peers", "all"):
            packages.setdefault(match[2], []).append(match[1])
    yield from packages.items()


def data_folder() -> dict[str, Any]:
    """Where tests and benchmarks look for real data, and whether anything is there."""
    folder = os.environ.get("QUERIST_DATA")
    path = Path(folder) if folder else Path("..") / "shared" / "data"
    names = sorted(entry.name for entry in path.iterdir()) if path.is_dir() else []
    return {"folder": str(path), "set": folder is not None, "found": bool(names), "sets": names}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return "present" if installed(package.replace("-", "_")) else None


def _print(found: dict[str, Any]) -> None:
    from rich.table import Table

    console = out()
    memory = "unknown" if found["memory_gb"] is None else f"{found['memory_gb']:g} GB"
    head = Table(box=None, show_header=False, pad_edge=False)
    head.add_column(style="bold")
    head.add_column(overflow="fold")
    for name, value in (
        ("querist", found["querist"]),
        ("python", f"{found['python']} ({found['executable']})"),
        ("machine", f"{found['platform']}, {found['cores']} cores, {memory} memory"),
        ("device", f"{found['device']['auto']} ({found['device']['name']}, {found['device']['threads']} threads)"),
        ("packages", ", ".join(f"{name} {release or 'missing'}" for name, release in found["packages"].items())),
        ("data", _data_text(found["data"])),
    ):
        head.add_row(name, value)
    console.print(head, markup=False)
    table = Table("extra", "state", "adds", "to install")
    for extra, entry in found["extras"].items():
        lacking = [name for name, release in entry["packages"].items() if release is None]
        state = "installed" if entry["installed"] else f"lacks {', '.join(lacking)}"
        # A bracket is markup to Rich: the name of an extra must be escaped.
        table.add_row(extra, state, entry["adds"], "" if entry["installed"] else entry["install"].replace("[", r"\["))
    console.print(table)


def _data_text(data: dict[str, Any]) -> str:
    said = "QUERIST_DATA" if data["set"] else "default; QUERIST_DATA is not set"
    return f"{data['folder']} ({said}): " + (f"{len(data['sets'])} entries" if data["found"] else "nothing there")
