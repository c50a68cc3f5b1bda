"""``querist run``: a simulated campaign and its random twin, then what they showed and a report."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Annotated

import typer
from typer.models import Context

from querist.cli.console import Interrupted, print_json
from querist.cli.options import Json, Label, SkipBad, Split, Text
from querist.core.errors import UsageError

DATA_HELP = (
    """[bold]digits[/bold], or KIND:PATH: idx:DIR, images:DIR, npz:FILE, csv:, parquet:, jsonl:, conll:DIR, hf:NAME."""
)


def run(
    context: Context,
    data: Annotated[str, typer.Argument(metavar="DATA", help=DATA_HELP)] = "digits",
    task: Annotated[
        str | None,
        typer.Option(help="classification, multilabel, regression or tokens; guessed from the data, and said."),
    ] = None,
    strategy: Annotated[
        str, typer.Option(help="Who chooses; 'querist strategies' lists them. auto takes one by the labels so far.")
    ] = "badge",
    initial: Annotated[int, typer.Option(help="Labels of the first round.")] = 20,
    batch: Annotated[int, typer.Option(help="Labels of each further round.")] = 20,
    budget: Annotated[int, typer.Option(help="Labels in all, the initial ones included.")] = 300,
    seeds: Annotated[str, typer.Option(help="One run a seed: 0 or 0,1,2.")] = "0",
    model: Annotated[str | None, typer.Option(help="Model name; the data's default if not given.")] = None,
    candidates: Annotated[
        int | None, typer.Option(metavar="N", help="Score a random N of the pool each round; all if not given.")
    ] = None,
    metric: Annotated[str | None, typer.Option(help="Metric of the curve; the task's first if not given.")] = None,
    compare: Annotated[str, typer.Option(metavar="NAME", help="Strategy of the twin, or none.")] = "random",
    target: Annotated[float | None, typer.Option(help="Value of the metric whose cost in labels is reported.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder.", show_default="runs/DATA-STRATEGY", writable=True)
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Start, go on with a run that stopped, or print a finished one again.")
    ] = False,
    text: Text = None,
    label: Label = None,
    split: Split = None,
    skip_bad: SkipBad = False,
    validation: Annotated[
        int, typer.Option(help="Labels bought at the start for early stopping; they count in the budget.")
    ] = 0,
    free_validation: Annotated[
        bool,
        typer.Option("--free-validation", help="Use the data's validation labels off the bill; the report says so."),
    ] = False,
    stop: Annotated[
        str,
        typer.Option(
            metavar="RULES",
            help="When to stop before the budget is spent: stabilising_predictions, plateau, learning_curve, ... "
            "a,b is one of them, a+b both; options as plateau:patience=5.",
        ),
    ] = "budget",
    stop_set: Annotated[
        int, typer.Option(metavar="N", help="Rows without labels that rules compare successive models on.")
    ] = 2000,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    initial_strategy: Annotated[
        str, typer.Option(metavar="NAME", help="Who chooses the first rows: any strategy that needs no trained model.")
    ] = "random",
    start: Annotated[str, typer.Option(help="scratch: new weights each round; warm: go on from the last.")] = "scratch",
    avoid: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Strategies that auto must not take, with commas.")
    ] = None,
    json: Json = False,
) -> None:
    """Simulate a campaign and its random twin: progress, learning curve, report.html."""
    from querist.cli.progress import progress_listener
    from querist.cli.report.page import write_report
    from querist.cli.summary import print_summary
    from querist.loop.run import run as run_settings
    from querist.loop.settings import RunSettings

    settings = RunSettings(
        data=data,
        task=task,
        strategy=strategy,
        initial=initial,
        batch=batch,
        budget=budget,
        seeds=parse_seeds(seeds),
        model=model,
        candidates=candidates,
        metric=metric,
        compare=compare,
        target=target,
        text=text,
        label=label,
        split=split,
        skip_bad=skip_bad,
        validation=validation,
        free_validation=free_validation,
        stop=stop,
        stop_set=stop_set,
        device=device,
        initial_strategy=initial_strategy,
        start=start,
        avoid=tuple(name.strip() for name in (avoid or "").split(",") if name.strip()),
    )
    folder = out if out is not None else default_out(data, strategy)
    given = frozenset(name for name in context.params if _is_given(context, name)) - {"out", "resume", "json"}
    try:
        with progress_listener() as listener:
            result = run_settings(settings, folder, resume=resume, given=given, listener=listener)
            report = write_report(result)
    except KeyboardInterrupt:
        raise Interrupted(how_to_go_on(folder)) from None
    if json:
        print_json(result.to_json())
    else:
        print_summary(result, report)


def _is_given(context: Context, name: str) -> bool:
    """Whether the person wrote this option, rather than leaving it at its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name not in ("DEFAULT", "DEFAULT_MAP")


def parse_seeds(text: str) -> tuple[int, ...]:
    """Seeds as written on the command line.

    Raises:
        UsageError: no whole numbers.

    Example:
        >>> parse_seeds("0,1,2")
        (0, 1, 2)
    """
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--seeds is {text!r}", hint="give whole numbers with commas, for example 0,1,2") from None


def default_out(data: str, strategy: str) -> Path:
    """The run folder of a person who named none.

    Example:
        >>> default_out("npz:data/fashion_mnist.npz", "margin").as_posix()
        'runs/fashion_mnist-margin'
    """
    path = Path(data.partition(":")[2] or data)
    name = path.stem if path.suffix else path.name
    return Path("runs") / f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', name).strip('.-') or 'data'}-{strategy}"


def how_to_go_on(folder: Path) -> str:
    """What to say after Ctrl-C. A run folder decides all other settings, so naming it is enough."""
    if not (folder / "run.toml").exists():
        return "stopped before anything was written"
    return f"stopped; go on with: querist run --out {shlex.quote(str(folder))} --resume"
