"""A folder is the registry: the file ``core_set.py`` holds ``CoreSet``, registered as ``core_set``.

Names are read from file names, so listing them imports nothing; classes are imported when first asked for.
Plug-ins add names through entry points (group ``querist.strategies`` and the like): the key is the registered
name, the value an import path. A name that two places claim is an error, not a race.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from querist.core.errors import UnknownName, UsageError

_NOT_ENTRIES = {"__init__", "base"}


def camel_case(name: str) -> str:
    """The class that a file holds.

    Example:
        >>> camel_case("core_set"), camel_case("bald")
        ('CoreSet', 'Bald')
    """
    return "".join(part.capitalize() for part in name.split("_"))


class Registry:
    """Names found in the folders below a package, and in entry points.

    Args:
        kind: what the things are called in messages ("strategy").
        package: dotted name of the package whose folder (and sub-folders) is searched.
        besides: files of that folder that hold no such thing, beside ``base`` and names with a leading underscore.

    Example:
        >>> from querist.strategies import registry
        >>> registry["margin"].__name__
        'Margin'
    """

    def __init__(self, kind: str, package: str, *, besides: tuple[str, ...] = ()) -> None:
        self.kind = kind
        self.package = package
        self._not_entries = _NOT_ENTRIES.union(besides)

    @cached_property
    def _modules(self) -> dict[str, str]:
        """Registered name -> "module" (of the folder) or "module:attribute" (of an entry point)."""
        spec = importlib.util.find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            raise UsageError(f"{self.package} is not a package")
        found: dict[str, str] = {}
        for location in spec.submodule_search_locations:
            root = Path(location)
            for file in sorted(root.rglob("*.py")):
                if file.stem in self._not_entries or file.stem.startswith("_"):
                    continue
                module = ".".join((self.package, *file.relative_to(root).with_suffix("").parts))
                self._claim(found, file.stem, module)
        for point in entry_points(group=self.package):
            self._claim(found, point.name, point.value)
        return dict(sorted(found.items()))

    def _claim(self, found: dict[str, str], name: str, target: str) -> None:
        if name in found:
            raise UsageError(
                f"two files claim the {self.kind} name {name!r}: {found[name]} and {target}",
                hint="rename one of them",
            )
        found[name] = target

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)

    def __contains__(self, name: object) -> bool:
        return name in self._modules

    def __getitem__(self, name: str) -> Any:
        """The class registered as ``name``.

        Raises:
            UnknownName: there is none; the nearest name is suggested.
        """
        if name not in self._modules:
            raise UnknownName(self.kind, name, self._modules)
        module, _, attribute = self._modules[name].partition(":")
        attribute = attribute or camel_case(name)
        loaded = importlib.import_module(module)
        if not hasattr(loaded, attribute):
            raise UsageError(
                f"{module} must define the class {attribute}, because its file is called {name}.py",
                hint="rename the file or the class",
            )
        return getattr(loaded, attribute)

    def module_of(self, name: str) -> str:
        """Dotted module that holds ``name``, without importing it."""
        if name not in self._modules:
            raise UnknownName(self.kind, name, self._modules)
        return self._modules[name].partition(":")[0]

    def class_names(self) -> dict[str, str]:
        """Class name -> registered name, from file names alone."""
        return {target.partition(":")[2] or camel_case(name): name for name, target in self._modules.items()}
