"""kill -9 at random moments, then resume: exactly the picks, labels and curve of a run that was never killed."""

import json
import os
import subprocess
import sys
from pathlib import Path

KILLS = 20


def test_a_killed_run_goes_on_as_if_nothing_had_happened(tmp_path):
    script = Path(__file__).with_name("kill_and_resume.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), "0", str(KILLS)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["kills"] == KILLS
    assert report["resumed"], "no killed run was ever resumed to its end"
    for resumed in report["resumed"]:
        assert resumed == report["whole"]
    for campaign in report["whole"].values():
        assert len(campaign["labels"]) == 50
        assert all(closed for *_, closed in campaign["rounds"])
