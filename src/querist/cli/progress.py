"""Progress on standard error: bars on a terminal, plain lines now and then everywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from querist.cli.console import err, say
from querist.core.progress import listening
from querist.loop.progress import Advised, Listener, ProgressEvent, RoundEnded, RunEnded, RunStarted, Stage


@contextmanager
def progress_listener(console: Console | None = None) -> Iterator[Listener]:
    """A listener that shows a run while the context is open.

    Args:
        console: where to draw; standard error if ``None``.
    """
    if console is None and not sys.stderr.isatty():
        yield lines
        return
    console = console or err()
    with Bars(console) as bars:
        yield bars


def lines(event: ProgressEvent) -> None:
    """One line a round, for logs and pipes."""
    if isinstance(event, RunStarted):
        for note in event.notes:
            say(note)
    elif isinstance(event, Advised):
        say(advised(event))
    elif isinstance(event, RoundEnded):
        print(
            f"{event.arm} seed {event.seed} round {event.round}: {event.labels}/{event.budget} labels, "
            f"{event.metric} {event.value:.4f}, {event.done:.0%} done, {duration(event.seconds_left)} left",
            file=sys.stderr,
            flush=True,
        )
        for rule, verdict in event.stands.items():
            print(f"  {rule}: {verdict.text}", file=sys.stderr, flush=True)


WIDE = 140
"""Columns from which a bar has room for a sentence."""


def advised(event: Advised) -> str:
    """Who chooses from now on, and why, in one line.

    Example:
        >>> advised(Advised(arm="auto", seed=0, labels=40, strategy="margin", why="labels are many"))
        'auto, seed 0, from 40 labels: margin chooses, because labels are many'
    """
    return f"{event.arm}, seed {event.seed}, from {event.labels} labels: {event.strategy} chooses, because {event.why}"


class Bars:
    """One bar for the whole run and one for each arm, with what is happening now."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=28 if console.width >= 110 else 12),
            TextColumn("{task.fields[text]}"),
            console=console,
        )
        self._whole: TaskID | None = None
        self._arms: dict[str, TaskID] = {}
        self._seeds: tuple[int, ...] = (0,)
        self._left = ""

    def __enter__(self) -> Bars:
        self._progress.__enter__()
        return self

    def __exit__(self, *failure: object) -> None:
        self._progress.__exit__(*failure)  # type: ignore[arg-type]

    def __call__(self, event: ProgressEvent) -> None:
        if isinstance(event, RunStarted):
            self._begin(event)
        elif isinstance(event, RoundEnded):
            self._round(event)
        elif isinstance(event, Advised):
            self._console.print(f"[dim]querist:[/dim] {escape(advised(event))}")
        elif isinstance(event, Stage) and self._whole is not None:
            share = f" {event.share:.0%}" if event.share else ""
            now = f"{event.arm}, seed {event.seed}: {event.text}{share}"
            self._progress.update(self._whole, text=f"{self._left}[dim]{now}[/dim]")
        elif isinstance(event, RunEnded) and self._whole is not None:
            self._progress.update(self._whole, completed=1.0, text=f"done in {duration(event.seconds)}")

    @property
    def now(self) -> str:
        """What the line of the whole run says."""
        return "" if self._whole is None else str(self._progress.tasks[-1].fields["text"])

    def _stands(self, event: RoundEnded) -> str:
        """Where the first stopping rule stands, if there is room for it."""
        texts = [verdict.text for verdict in event.stands.values()]
        return f"; [dim]{escape(texts[0])}[/dim]" if texts and self._console.width >= WIDE else ""

    def _begin(self, event: RunStarted) -> None:
        for note in event.notes:
            self._console.print(f"[dim]querist:[/dim] {escape(note)}")
        self._seeds = event.seeds
        for arm in event.arms:
            self._arms[arm] = self._progress.add_task(arm, total=event.budget * len(event.seeds), text="waiting")
        self._whole = self._progress.add_task("all", total=1.0, text="starting")

    def _round(self, event: RoundEnded) -> None:
        if self._whole is None or event.arm not in self._arms:
            return
        seeds = f"seed {self._seeds.index(event.seed) + 1}/{len(self._seeds)}, " if len(self._seeds) > 1 else ""
        before = self._seeds.index(event.seed) * event.budget
        self._progress.update(
            self._arms[event.arm],
            completed=before + event.labels,
            text=f"{seeds}round {event.round}, {event.labels}/{event.budget} labels, "
            f"{event.metric} [bold]{event.value:.4f}[/bold]{self._stands(event)}",
        )
        self._left = f"{duration(event.seconds_left)} left  "
        self._progress.update(self._whole, completed=event.done, text=self._left)


SHORT_S = 2.0
"""Work that is over sooner is not talked about."""
APART_S = 5.0
"""Between two plain lines."""


@contextmanager
def work_shown(console: Console | None = None) -> Iterator[None]:
    """Show what is reported inside (see :mod:`querist.core.progress`), if it takes longer than a moment.

    Args:
        console: where to draw; standard error if ``None``.
    """
    if console is None and sys.stderr.isatty():
        console = err()
    with Work(console) as work, listening(work):
        yield


class Work:
    """One bar, or a plain line every few seconds, for whatever is being done.

    Args:
        console: where the bar is drawn; plain lines if ``None``.
        clock: seconds from anywhere.
    """

    def __init__(self, console: Console | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._begun, self._said = clock, clock(), -APART_S
        self._bar: Progress | None = None
        if console is not None:
            columns = (TextColumn("{task.description}"), BarColumn(bar_width=28), TextColumn("{task.percentage:.0f}%"))
            self._bar = Progress(*columns, console=console, transient=True)

    def __enter__(self) -> Work:
        return self

    def __exit__(self, *failure: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, what: str, share: float) -> None:
        now = self._clock() - self._begun
        if now < SHORT_S:
            return
        if self._bar is None:
            if now - self._said >= APART_S:
                say(f"{what} {share:.0%}")
                self._said = now
            return
        if not self._bar.tasks:
            self._bar.start()
            self._bar.add_task(what, total=1.0)
        self._bar.update(self._bar.tasks[0].id, description=escape(what), completed=share)


def duration(seconds: float) -> str:
    """Seconds as a person says them.

    Example:
        >>> duration(0.4), duration(42), duration(200), duration(7500)
        ('0.4 s', '42 s', '3 min 20 s', '2 h 5 min')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
