"""What a process has in use."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from querist.core import resident
from querist.core.resident import forget_peak, peak_mb, private_mb, release_freed, resident_mb, watched

LINUX = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells all of this")


@LINUX
def test_a_peak_is_seen_after_it_is_over_and_can_be_forgotten() -> None:
    release_freed()
    before = resident_mb()
    table = np.ones(8 << 20)  # 64 MB
    assert resident_mb() - before > 55
    del table
    release_freed()
    assert resident_mb() - before < 20
    assert peak_mb() - before > 55
    assert forget_peak()
    assert peak_mb() - before < 20


@LINUX
def test_a_watch_sees_what_comes_and_goes_and_no_mapped_file(tmp_path: Path) -> None:
    np.save(tmp_path / "z.npy", np.ones(8 << 20))
    mapped = np.load(tmp_path / "z.npy", mmap_mode="r")
    with watched() as watch:
        assert float(mapped.sum()) == 8 << 20
    assert watch.taken_mb < 20
    with watched() as watch:
        table = np.ones(8 << 20)
        time.sleep(0.05)
        del table
    assert 55 < watch.taken_mb < 90


@LINUX
def test_the_peak_is_what_outside_tools_say() -> None:
    """That of a child, as itself and its parent see it."""
    code = (
        "import numpy as np; from querist.core.resident import peak_mb; x = np.ones(16 << 20); del x; print(peak_mb())"
    )
    said = float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert said > 128
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024 >= said - 1


def test_a_system_that_tells_little_tells_the_most_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_STATUS", "_PAGES", "_CLEAR"):
        monkeypatch.setattr(resident, name, Path(os.devnull) / "nowhere")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1 << 20)
    assert resident_mb() == pytest.approx(most, rel=0.1)
    assert peak_mb() == pytest.approx(most, rel=0.1)
    assert private_mb() == pytest.approx(most, rel=0.1)
    assert not forget_peak()
