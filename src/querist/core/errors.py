"""What can go wrong, as situations.

    QueristError                  every error of this package; the command prints one line and exits 2
    ├── UsageError                the caller asked for something that cannot be
    │   ├── UnknownName           no strategy, model, source, ... of that name (the nearest is suggested)
    │   ├── ConfigError           a settings file with unknown or ill-typed keys
    │   ├── BudgetError           label counts that do not fit the pool or each other
    │   ├── MemoryTooSmall        a memory limit below what the work must hold
    │   ├── NoSuchRow             a row that is not there, or that nobody is asked for
    │   └── SettingsDiffer        --resume with other settings than the run was started with
    ├── DataError                 the data are missing, unreadable or not what they were said to be
    │   └── NonFinite             NaN or infinity; names the first row
    ├── PoolExhausted             more rows asked for than are left
    ├── ColdStart                 a strategy needs labels (or a trained model) and there are none yet
    ├── ViewMissing               nobody can answer a declared view
    ├── MissingExtra              an optional package is not installed; names the extra
    ├── InUse                     another process is at work on the run
    ├── NoAnswer                  an endpoint cannot be reached, refuses, or answers with something else
    ├── Refused                   somebody who may not do that, or did not say who they are
    ├── Conflict                  what was to be changed has changed meanwhile; holds both versions
    └── JournalError              the journal cannot be read or written
        ├── JournalCorrupt        damaged file
        ├── JournalTooNew         written by a newer Querist
        └── NotDurable            a label could not be made durable (full disk, read-only folder)

and one warning:

    Unproven                      an answer that more time might have bettered

A message says what was asked, what was found and what to try next, on one line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class QueristError(Exception):
    """Root of the tree.

    Args:
        message: what was asked and what was found.
        hint: what to try next, without a final full stop.

    Example:
        >>> str(QueristError("nothing to read in ./photos", hint="give a folder that holds images"))
        'nothing to read in ./photos; give a folder that holds images'
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message = " ".join(message.split())
        self.hint = " ".join(hint.split())
        super().__init__(f"{self.message}; {self.hint}" if self.hint else self.message)

    @property
    def kind(self) -> str:
        """The situation's name, as ``--json`` prints it."""
        return type(self).__name__


class UsageError(QueristError):
    """The caller asked for something that cannot be."""


_NAMES = 20
"""Names that a message lists: beyond that nobody reads them."""


class UnknownName(UsageError):
    """No thing of that kind has this name.

    Example:
        >>> str(UnknownName("strategy", "bagde", ["badge", "bald"]))
        "no strategy is called 'bagde'; did you mean 'badge'?"
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        more = f", ... ({len(names)} in all)" if len(names) > _NAMES else ""
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names[:_NAMES])}{more}"
        super().__init__(f"no {kind} is called {name!r}", hint=hint)


class ConfigError(UsageError):
    """A settings file or mapping has unknown or ill-typed keys."""


class BudgetError(UsageError):
    """Label counts that do not fit the pool or each other."""


class MemoryTooSmall(UsageError):
    """A memory limit below what the work must hold."""


class NoSuchRow(UsageError):
    """A row that is not there, or that nobody is asked for."""


class SettingsDiffer(UsageError):
    """A run is resumed with other settings than it was started with."""


class DataError(QueristError):
    """The data are missing, unreadable or not what they were said to be."""


class NonFinite(DataError):
    """NaN or infinity where a finite number is needed."""

    def __init__(self, what: str, row: int | str, *, hint: str = "") -> None:
        super().__init__(
            f"{what} of row {row} is not finite",
            hint=hint or "remove or repair that row, or look at the model's loss",
        )
        self.row = row


class PoolExhausted(QueristError):
    """More rows were asked for than are left."""


class ColdStart(QueristError):
    """A strategy needs labels or a trained model, and there are none yet."""


class ViewMissing(QueristError):
    """Nobody can answer a view that a strategy declares."""


class MissingExtra(QueristError):
    """An optional package is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"this needs the package {package!r}, which is not installed",
            hint=f"pip install 'querist[{extra}]'",
        )


class InUse(QueristError):
    """Another process is at work on the run."""


class NoAnswer(QueristError):
    """An endpoint that was asked cannot be reached, refuses, or answers with something else."""


class Refused(QueristError):
    """Somebody may not do that, or did not say who they are."""


class Conflict(QueristError):
    """What was to be changed has changed meanwhile, so nothing was.

    Args:
        message: what was asked and what was found.
        hint: what to try next.
        stored: the version that holds, as plain data.
        given: the version that was refused, as plain data.
    """

    def __init__(self, message: str, *, hint: str = "", stored: Any = None, given: Any = None) -> None:
        super().__init__(message, hint=hint)
        self.stored = stored
        self.given = given


class JournalError(QueristError):
    """The journal cannot be read or written."""


class JournalCorrupt(JournalError):
    """The journal file is damaged."""


class JournalTooNew(JournalError):
    """The journal was written by a newer Querist."""


class NotDurable(JournalError):
    """A label could not be made durable, so it was not acknowledged."""


class Unproven(UserWarning):
    """The time ran out, and the best answer found is not known to be the best there is."""
