"""``querist select`` as a process: Ctrl-C, a full disk, a file larger than the memory it may have."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from querist.cli import picks
from querist.cli.app import app
from querist.cli.progress import Work
from querist.core.progress import listening, report

COMMAND = [sys.executable, "-m", "querist.cli.app", "select"]
LINUX = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells and bounds these sizes")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def table(name: str, n: int, d: int) -> None:
    """A file that is written block by block."""
    rng = np.random.default_rng(0)
    mapped = np.lib.format.open_memmap(name, "w+", np.float32, (n, d))
    for start in range(0, n, 20_000):
        mapped[start : start + 20_000] = rng.random((min(20_000, n - start), d), dtype=np.float32)
    mapped.flush()


def test_ctrl_c_leaves_nothing_behind() -> None:
    table("z.npy", 60_000, 16)
    words = shlex.split("--embeddings z.npy --strategy lcmd --budget 50000 --out picks.csv")
    # A shell's background jobs, and what they start, are deaf to Ctrl-C: the suite may be one.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code += f"from querist.cli.app import main; raise SystemExit(main({['select', *words]!r}))"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        assert first.startswith("querist: lcmd "), first  # work that takes longer than a moment says how far it is
        assert first.endswith("%\n")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert err.splitlines()[-1] == "querist: stopped by Ctrl-C"
    assert [path.name for path in Path().iterdir()] == ["z.npy"]


def test_ctrl_c_while_the_picks_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    table("z.npy", 50, 3)

    def interrupted(selection, stream):
        stream.write(b"order,row")
        stream.flush()
        raise KeyboardInterrupt

    monkeypatch.setattr(picks, "_write_csv", interrupted)
    words = shlex.split("select --embeddings z.npy --strategy core_set --budget 5 --out picks.csv")
    found = CliRunner().invoke(app, words)
    assert found.exit_code == 130
    assert found.stderr == "querist: stopped by Ctrl-C\n"
    assert [path.name for path in Path().iterdir()] == ["z.npy"]


LIMITED = """
import resource, sys
from querist.cli.app import main
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, resource.RLIM_INFINITY))
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("ending", ["csv", "json", "txt"])
def test_a_full_disk_is_one_line_and_no_file(ending: str) -> None:
    table("z.npy", 3_000, 3)
    Path(f"picks.{ending}").write_text("what was there before")
    words = f"select --embeddings z.npy --strategy core_set --budget 900 --out picks.{ending}".split()
    done = subprocess.run([sys.executable, "-c", LIMITED, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"querist: picks.{ending} cannot be written: ")
    assert done.stderr.count("\n") == 1
    assert {path.name for path in Path().iterdir()} == {"z.npy", f"picks.{ending}"}
    assert Path(f"picks.{ending}").read_text() == "what was there before"


BOUNDED = """
import re, resource, sys
from pathlib import Path
import torch
from querist.cli.app import main
for words in ("--embeddings small.npy --strategy core_set", "--embeddings small.npy --probs few.npy --strategy badge"):
    # Threads, caches and code that is loaded when it is first used.
    assert main(f"select {words} --budget 20 --out warm.txt".split()) == 0
now = int(re.search(r"VmData:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (now + (96 << 20), resource.RLIM_INFINITY))
try:
    torch.empty(400_000, 128).fill_(1)
    raise SystemExit("the limit bounds nothing")
except RuntimeError:
    pass
sys.exit(main(sys.argv[1:]))
"""


@LINUX
@pytest.mark.parametrize(
    "words",
    [
        "--embeddings z.npy --strategy core_set",
        "--embeddings z.npy --probs p.npy --strategy badge",
        "--embeddings z.npy --probs p.npy --strategy fass",
        "--embeddings z.npy --probs p.npy --strategy information_density",
        "--probs p.npy --strategy margin",
    ],
    ids=lambda words: words.split()[-1],
)
def test_a_file_may_be_larger_than_the_memory(words: str) -> None:
    """205 MB of embeddings; 96 may be taken in all, of which the selection is told to take 40."""
    table("z.npy", 400_000, 128)
    table("small.npy", 500, 128)
    rng = np.random.default_rng(1)
    for name, n in (("p.npy", 400_000), ("few.npy", 500)):
        probs = rng.random((n, 6))
        np.save(name, (probs / probs.sum(1, keepdims=True)).astype(np.float16))
    line = f"select {words} --budget 50 --memory-mb 40 --out picks.txt"
    done = subprocess.run(
        [sys.executable, "-c", BOUNDED, *line.split()], capture_output=True, text=True, check=False, env=one_thread()
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(set(Path("picks.txt").read_text().split())) == 50


def one_thread() -> dict[str, str]:
    """What a thread keeps for itself is not what is tested."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}


def test_only_long_work_is_shown_and_not_often(capsys: pytest.CaptureFixture[str]) -> None:
    now = [100.0]
    with Work(None, clock=lambda: now[0]) as work, listening(work):
        for second in range(13):
            now[0] = 100.0 + second
            report("k_center", second, of=20)
    assert capsys.readouterr().err == "querist: k_center 10%\nquerist: k_center 35%\nquerist: k_center 60%\n"


def test_on_a_terminal_it_is_a_bar() -> None:
    import io

    from rich.console import Console

    now = [0.0]
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with Work(console, clock=lambda: now[0]) as work:
        work("k_center", 0.1)
        assert not work._bar.tasks
        now[0] = 3.0
        work("k_center", 0.5)
        work("picking", 0.6)
        (task,) = work._bar.tasks
    assert (task.description, task.completed) == ("picking", 0.6)
    assert "60%" in console.file.getvalue()
