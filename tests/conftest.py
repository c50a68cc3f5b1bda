"""What every test stands on: real data by a fixture, no network, one thread a worker."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Read by huggingface_hub when it is first imported, and inherited by commands that tests start.
os.environ["HF_HUB_OFFLINE"] = "1"

if "PYTEST_XDIST_WORKER" in os.environ:
    # Two workers with a thread pool each fight over the same cores; set before torch makes its pool.
    os.environ["OMP_NUM_THREADS"] = "1"
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)

# How long an example takes depends on who else uses the machine; what it shows does not.
settings.register_profile(
    "querist", deadline=None, derandomize="CI" in os.environ, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("querist")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data sets: ``QUERIST_DATA``, or ``../shared/data`` beside the repository."""
    folder = Path(os.environ.get("QUERIST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}; set QUERIST_DATA to a folder that holds them")
    return folder
