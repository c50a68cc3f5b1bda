"""What the machine is, as the tables say it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

_VERSIONS = (
    "torch",
    "numpy",
    "scikit-learn",
    "faiss-cpu",
    "scikit-activeml",
    "small-text",
    "modAL-python",
    "decile-distil",
    "batchbald-redux",
    "baal",
    "bmdal_reg",
    "pyrelational",
    "apricot-select",
    "submodlib-py",
)
_MUST_AGREE = ("processor", "cores", "python", "torch", "numpy")
ROOT = Path(__file__).resolve().parents[2]


def machine() -> dict[str, str]:
    """Processor, cores, memory, system, and the versions of everything that is timed."""
    about = {
        "processor": _processor(),
        "cores": str(_cores()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / (1 << 30):.0f} GB",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    return about | {name: version for name in _VERSIONS if (version := _version(name))}


def differs(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """In what two machines differ so that their seconds cannot stand in one table."""
    return [name for name in _MUST_AGREE if one.get(name) != other.get(name)]


def commit() -> str:
    """The commit that is timed, short; empty outside a repository."""
    try:
        said = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return said.stdout.strip()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
