"""What reaches the person: results on standard output, everything else on standard error, errors on one line.

With ``--json`` standard output holds one JSON object and nothing else, for errors too.
"""

from __future__ import annotations

import errno
import json
import math
import os
import sys
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from querist.core.errors import QueristError, UnknownName

if TYPE_CHECKING:
    from rich.console import Console


INTERRUPTED = 130
"""Exit code of a command that Ctrl-C ended."""


class Interrupted(Exception):
    """Ctrl-C, with a sentence that says how to go on."""


def out() -> Console:
    """Rich's console on standard output, for results."""
    from rich.console import Console

    return Console(highlight=False, width=_width(sys.stdout.isatty()))


def err() -> Console:
    """Rich's console on standard error, for progress and remarks."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, width=_width(sys.stderr.isatty()))


def _width(terminal: bool) -> int | None:
    """Rich's own choice on a terminal, and room for a table in a pipe, where it would take 80 columns."""
    return None if terminal or "COLUMNS" in os.environ else 120


def say(text: str) -> None:
    """One remark on standard error."""
    print(f"querist: {' '.join(text.split())}", file=sys.stderr)


def remark(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    """A warning of a package below, on one line; what ``warnings.showwarning`` is set to."""
    say(f"{category.__name__}: {message}")


def print_json(value: Any) -> None:
    """``value`` as JSON on standard output. What is not finite is null, because JSON has no word for it."""
    print(json.dumps(_finite(value), ensure_ascii=False, allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return value


def report_error(error: BaseException, *, as_json: bool, debug: bool) -> int:
    """Say what went wrong on one line, and return the exit code that belongs to it.

    A situation that the person can mend (an error of ours, bad usage, a file that cannot be read or written) is 2,
    Ctrl-C is 130, and a fault of this program is 1.
    """
    kind, message, code = _described(error)
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    elif code == 1:
        message += "; this is a fault in querist or a package below it, run again with --debug to see where"
    if as_json:
        print_json({"error": kind, "message": message})
    else:
        say(message)
    return code


def _described(error: BaseException) -> tuple[str, str, int]:
    """Kind, one-line message and exit code of ``error``."""
    if isinstance(error, QueristError):
        return error.kind, str(error), 2
    if isinstance(error, Interrupted | KeyboardInterrupt):
        return "Interrupted", str(error) or "stopped by Ctrl-C", INTERRUPTED
    if isinstance(error, OSError) and error.strerror:
        place = f": {error.filename}" if error.filename else ""
        hint = "; free some space" if error.errno == errno.ENOSPC else ""
        return type(error).__name__, f"{error.strerror.lower()}{place}{hint}", 2
    # Usage errors of the command-line library, by the method they share: where their classes live depends on the
    # library's release.
    if hasattr(error, "format_message"):
        return "UsageError", _usage_message(error), 2
    return type(error).__name__, " ".join(f"{type(error).__name__}: {error}".split()).rstrip(": "), 1


def _usage_message(error: Any) -> str:
    """A usage error in our words where we have better ones, and where to read more."""
    context = getattr(error, "ctx", None)
    if hasattr(error, "option_name") and context is not None and hasattr(error, "possibilities"):
        known = [name for parameter in context.command.params for name in parameter.opts if name.startswith("--")]
        return str(UnknownName("option", error.option_name, known))
    message = " ".join(str(error.format_message()).split()).rstrip(".")
    help_of = f"; see {context.command_path} --help" if context is not None else ""
    return f"{message[:1].lower()}{message[1:]}{help_of}"
