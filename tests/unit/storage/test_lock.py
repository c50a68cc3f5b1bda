"""One writer a run, whoever it is and however it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from querist.core.errors import InUse
from querist.storage.lock import locked

HOLD = """
import sys, time
from pathlib import Path
from querist.storage.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_lock_follows_a_renamed_folder_and_is_gone_afterwards(tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    with locked(tmp_path / "part"):
        (tmp_path / "part").rename(tmp_path / "run")
        with pytest.raises(InUse, match="another process is at work on mine"), locked(tmp_path / "run", named="mine"):
            pass
    with locked(tmp_path / "run"):
        pass
    assert list((tmp_path / "run").iterdir()) == []


def test_a_process_that_is_killed_holds_nothing(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    with holder.stdout:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(InUse), locked(tmp_path):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with locked(tmp_path):
        pass
