"""A folder is the registry; plug-ins join by entry points; nobody may take a name twice."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from querist.core import registry as registry_module
from querist.core.errors import UnknownName, UsageError
from querist.core.registry import Registry


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package ``birds`` with a base, a private file, two birds and one in a sub-folder."""
    root = tmp_path / "birds"
    (root / "water").mkdir(parents=True)
    for name in ("__init__", "base", "_private", "water/__init__"):
        (root / f"{name}.py").write_text("")
    (root / "house_sparrow.py").write_text("class HouseSparrow: ...\n")
    (root / "broken.py").write_text("raise RuntimeError('imported')\n")
    (root / "water" / "teal.py").write_text("class Duck: ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield root
    for module in [name for name in sys.modules if name.split(".")[0] == "birds"]:
        del sys.modules[module]


def with_entry_points(monkeypatch: pytest.MonkeyPatch, *points: tuple[str, str]) -> None:
    """Pretend that plug-ins are installed, without installing one."""
    made = [EntryPoint(name=name, value=value, group="birds") for name, value in points]
    monkeypatch.setattr(registry_module, "entry_points", lambda *, group: made if group == "birds" else [])


def test_names_come_from_files_and_import_nothing(folder: Path) -> None:
    birds = Registry("bird", "birds")
    assert list(birds) == ["broken", "house_sparrow", "teal"]
    assert len(birds) == 3
    assert "teal" in birds
    assert "base" not in birds
    assert birds.module_of("teal") == "birds.water.teal"
    assert birds.class_names()["HouseSparrow"] == "house_sparrow"
    assert "birds.broken" not in sys.modules


def test_a_class_is_imported_when_asked_for(folder: Path) -> None:
    assert Registry("bird", "birds")["house_sparrow"].__name__ == "HouseSparrow"


def test_a_file_must_hold_its_class(folder: Path) -> None:
    with pytest.raises(UsageError, match="must define the class Teal"):
        Registry("bird", "birds")["teal"]


def test_an_unknown_name_suggests_the_nearest(folder: Path) -> None:
    with pytest.raises(UnknownName, match="no bird is called 'house_sparow'; did you mean 'house_sparrow'"):
        Registry("bird", "birds")["house_sparow"]
    with pytest.raises(UnknownName, match="known: broken, house_sparrow, teal"):
        Registry("bird", "birds").module_of("zzzzzzzz")


def test_a_name_claimed_twice_in_the_folder(folder: Path) -> None:
    (folder / "water" / "house_sparrow.py").write_text("class HouseSparrow: ...\n")
    with pytest.raises(UsageError, match="two files claim the bird name 'house_sparrow'"):
        list(Registry("bird", "birds"))


def test_files_that_hold_no_such_thing_are_named(folder: Path) -> None:
    assert list(Registry("bird", "birds", besides=("broken",))) == ["house_sparrow", "teal"]


def test_a_plug_in_joins(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_entry_points(monkeypatch, ("ordered", "collections:OrderedDict"))
    birds = Registry("bird", "birds")
    assert birds["ordered"].__name__ == "OrderedDict"
    assert birds.class_names()["OrderedDict"] == "ordered"
    assert birds.module_of("ordered") == "collections"


def test_a_plug_in_cannot_take_a_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_entry_points(monkeypatch, ("teal", "collections:OrderedDict"))
    with pytest.raises(UsageError, match=r"birds\.water\.teal and collections:OrderedDict; rename one of them"):
        list(Registry("bird", "birds"))


def test_a_package_must_be_one() -> None:
    with pytest.raises(UsageError, match=r"json\.decoder is not a package"):
        list(Registry("thing", "json.decoder"))
