"""An optional package that is absent names its extra; one that is broken shows its own fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from querist.core.errors import MissingExtra
from querist.core.optional import installed, require


def test_a_package_that_is_there() -> None:
    assert require("json.decoder", extra="hf").JSONDecoder
    assert installed("json")


@pytest.mark.parametrize("package", ["no_such_package", "no_such_package.part"])
def test_a_package_that_is_absent(package: str) -> None:
    with pytest.raises(MissingExtra, match=r"no_such_package.*pip install 'querist\[hf\]'"):
        require(package, extra="hf")
    assert not installed("no_such_package")


def test_a_package_that_lacks_one_of_its_own_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half_there.py").write_text("import its_missing_part\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="its_missing_part"):
        require("half_there", extra="hf")
