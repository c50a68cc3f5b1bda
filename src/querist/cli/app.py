"""The command's entry: which commands there are, and how everything that goes wrong ends as one line.

No command imports torch, or anything else that is slow, before it runs.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from querist.cli import doctor, export, import_, label, plan, predict, run, select, strategies
from querist.cli.console import INTERRUPTED, remark, report_error
from querist.cli.report import command as report
from querist.core.errors import UnknownName

DEBUG = "--debug"
EPILOG = "Every command takes --debug, which shows where an error came from."


class QueristGroup(TyperGroup):
    """The commands, in the order of a day's work, with this package's way of ending badly."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.commands)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            raise UnknownName("command", args[0], self.commands)
        return super().resolve_command(ctx, args)

    def main(  # type: ignore[override]  # the two named here are all that this package gives
        self, args: Sequence[str] | None = None, standalone_mode: bool = True, **extra: Any
    ) -> Any:
        """Parse, run, and leave with 0, 1 (a fault), 2 (bad usage) or 130 (Ctrl-C)."""
        words = list(sys.argv[1:] if args is None else args)
        # Before torch is loaded: its threads then sleep while they wait. Spinning ones are ruinous beside other work.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        # A hub that cannot be reached is told once, by us, and not at each try.
        os.environ.setdefault("HF_HUB_VERBOSITY", "error")
        if sys.stdout is None:  # closed by the caller, who wants to read nothing
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (for the life of the process)
        debug, as_json = DEBUG in words, "--json" in words
        words = [word for word in words if word != DEBUG]  # wherever it stands: an error may come before the command
        extra["prog_name"] = "querist"
        try:
            with warnings.catch_warnings():
                warnings.showwarning = remark
                returned = super().main(words, standalone_mode=False, **extra)
            if returned == INTERRUPTED:
                raise KeyboardInterrupt  # the library below has eaten the one that said so
            code = returned if isinstance(returned, int) else 0
            sys.stdout.flush()  # here, where a reader that has gone can still be seen
        except BrokenPipeError:
            _quiet_standard_output()  # the reader (head, less) has gone: not all was said, and nobody is left to tell
            code = 1
        except (Exception, KeyboardInterrupt) as error:
            code = _reported(error, as_json=as_json, debug=debug)
        if standalone_mode:
            sys.exit(code)
        return code


def _reported(error: BaseException, *, as_json: bool, debug: bool) -> int:
    """Say what went wrong; on standard error where standard output takes nothing any more."""
    try:
        code = report_error(error, as_json=as_json, debug=debug)
        sys.stdout.flush()
    except OSError:
        _quiet_standard_output()
        code = report_error(error, as_json=False, debug=False)
    return code


def _quiet_standard_output() -> None:
    """Let nothing be written when the interpreter closes a pipe that nobody reads."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


app = typer.Typer(
    cls=QueristGroup,
    help="Querist decides which samples are worth a label: deep active learning, from one command.",
    epilog=EPILOG,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"querist {version('querist')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Querist decides which samples are worth a label: deep active learning, from one command."""
    if context.invoked_subcommand is None:
        print(context.get_help())


app.command("run", epilog=EPILOG)(run.run)
app.command("predict", epilog=EPILOG)(predict.predict)
app.command("report", epilog=EPILOG)(report.report)
app.command("strategies", epilog=EPILOG)(strategies.strategies)
app.command("select", epilog=EPILOG)(select.select)
app.command("plan", epilog=EPILOG)(plan.plan)
app.command("label", epilog=EPILOG)(label.label)
app.command("import", epilog=EPILOG)(import_.import_)
app.command("export", epilog=EPILOG)(export.export)
app.command("doctor", epilog=EPILOG)(doctor.doctor)


def main(args: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; the console script's entry.

    Args:
        args: words of the command line without the program's name; those of this process if ``None``.
    """
    return int(app(args, standalone_mode=False) or 0)


if __name__ == "__main__":
    sys.exit(main())
