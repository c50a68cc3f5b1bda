"""Optional packages, imported where they are used, with an error that names the extra to install."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

from querist.core.errors import MissingExtra


def require(package: str, *, extra: str) -> ModuleType:
    """Import ``package`` or say which extra brings it.

    Raises:
        MissingExtra: it is not installed.

    Example:
        >>> require("json", extra="hf").dumps([1])
        '[1]'
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        # A package that is there but misses one of its own parts is another fault, and must show.
        if error.name is not None and error.name.split(".")[0] != package.split(".")[0]:
            raise
        raise MissingExtra(package, extra) from None


def installed(package: str) -> bool:
    """Whether ``package`` can be imported, without importing it."""
    return importlib.util.find_spec(package) is not None
