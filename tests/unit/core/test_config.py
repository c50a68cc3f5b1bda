"""Settings survive the trip to TOML and back, and anything unknown is refused by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from querist.core.config import from_mapping, read_table, to_toml
from querist.core.errors import ConfigError


@dataclass
class Optimiser:
    name: str = "adam"
    rate: float = 0.001


@dataclass
class Settings:
    strategy: str = "badge"
    budget: int = 300
    target: float | None = None
    resume: bool = False
    seeds: tuple[int, ...] = (0,)
    tags: list[str] = field(default_factory=list)
    compare: Literal["random", "none"] = "random"
    options: dict[str, Any] = field(default_factory=dict)
    optimiser: Optimiser = field(default_factory=Optimiser)


@dataclass
class Required:
    data: str


# Surrogates are no text that a file can hold.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
FLOATS = st.floats(allow_nan=False)
PLAIN = st.one_of(TEXT, st.integers(-(2**63), 2**63 - 1), FLOATS, st.booleans())

SETTINGS = st.builds(
    Settings,
    strategy=TEXT,
    budget=st.integers(-(2**63), 2**63 - 1),
    target=st.none() | FLOATS,
    resume=st.booleans(),
    seeds=st.lists(st.integers(0, 2**63 - 1), max_size=4).map(tuple),
    tags=st.lists(TEXT, max_size=3),
    compare=st.sampled_from(["random", "none"]),
    options=st.dictionaries(TEXT, st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3), max_leaves=4)),
    optimiser=st.builds(Optimiser, name=TEXT, rate=FLOATS),
)


@given(settings=SETTINGS)
def test_round_trip(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.getbasetemp() / "run.toml"
    file.write_text(to_toml(settings), encoding="utf-8", newline="")
    assert from_mapping(Settings, read_table(file), where=file.name) == settings


def test_an_unknown_key_is_refused_with_the_nearest(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text("bugdet = 10\n")
    with pytest.raises(ConfigError, match=r"run\.toml has an unknown key 'bugdet'; did you mean 'budget'\?"):
        from_mapping(Settings, read_table(file), where=file.name)


def test_a_key_like_no_other_lists_the_known() -> None:
    with pytest.raises(ConfigError, match="known keys: budget, compare, optimiser"):
        from_mapping(Settings, {"zzz": 1})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"budget": "many"}, "settings.budget is 'many', which is no int"),
        ({"budget": True}, "settings.budget is True, which is no int"),
        ({"budget": 1.5}, "settings.budget is 1.5"),
        ({"seeds": 3}, "settings.seeds is 3"),
        ({"seeds": ["a"]}, "settings.seeds is 'a'"),
        ({"compare": "badge"}, "choose one of random, none"),
        ({"optimiser": {"speed": 1}}, "settings.optimiser has an unknown key 'speed'"),
        ({"target": "high"}, "settings.target is 'high'"),
    ],
)
def test_a_value_of_another_type_names_its_place(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        from_mapping(Settings, values)


def test_a_whole_number_is_a_float_where_one_is_wanted() -> None:
    rate = from_mapping(Settings, {"optimiser": {"rate": 1}}).optimiser.rate
    assert rate == 1.0
    assert isinstance(rate, float)


def test_a_missing_key_is_named() -> None:
    with pytest.raises(ConfigError, match="lacks the key 'data'"):
        from_mapping(Required, {})


@pytest.mark.parametrize(
    ("content", "message"), [(None, "cannot read"), (b"a = = 1", "is no TOML"), (b"\xff\xfe", "is no TOML")]
)
def test_a_file_that_is_no_settings(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "run.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        from_mapping(Required, read_table(file), where=file.name)
