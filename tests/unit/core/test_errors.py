"""Errors are one line: what was asked, what was found, what to try."""

from __future__ import annotations

import pytest

from querist.core import errors
from querist.core.errors import DataError, MissingExtra, NonFinite, QueristError, UnknownName, UsageError


def test_a_message_is_one_line() -> None:
    error = QueristError("two\nlines,\twide", hint="try\nthis")
    assert str(error) == "two lines, wide; try this"
    assert error.kind == "QueristError"


def test_every_error_hangs_in_the_tree_and_in_the_picture() -> None:
    picture = errors.__doc__ or ""
    tree = [thing for thing in vars(errors).values() if isinstance(thing, type) and issubclass(thing, QueristError)]
    assert len(tree) >= 16
    assert [kind.__name__ for kind in tree if kind.__name__ not in picture] == []


@pytest.mark.parametrize("kind", [errors.ConfigError, errors.BudgetError, errors.SettingsDiffer, UnknownName])
def test_bad_usage_can_be_caught_as_one(kind: type[QueristError]) -> None:
    assert issubclass(kind, UsageError)


def test_an_unknown_name_far_from_all_lists_them() -> None:
    assert str(UnknownName("strategy", "zz", ["bald", "badge"])) == "no strategy is called 'zz'; known: badge, bald"


def test_a_row_that_is_not_finite_is_named() -> None:
    error = NonFinite("the payload", 17)
    assert isinstance(error, DataError)
    assert error.row == 17
    assert "row 17" in str(error)


def test_a_missing_package_names_its_extra() -> None:
    assert str(MissingExtra("ray", "ray")).endswith("pip install 'querist[ray]'")


def test_a_crowd_of_known_names_is_cut_short() -> None:
    message = str(UnknownName("model", "", [f"model_{number:03}" for number in range(200)]))
    assert message.endswith("model_019, ... (200 in all)")
