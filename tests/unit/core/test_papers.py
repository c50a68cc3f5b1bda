"""Papers: read from one file, cited by key, spoken of by name."""

from pathlib import Path

import pytest

from querist.core import papers as room
from querist.core.errors import DataError
from querist.core.papers import papers, reference, short, spelled


def test_fields_are_read_without_tex(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "refs.bib"
    file.write_text(
        '@misc{a2020b,\n  title = {On {BERT} and k-means}, author = {M{\\"u}ller, A. and Ng, B.},\n  year = {2020}\n}\n'
    )
    monkeypatch.setattr(room, "PACKED", file)
    assert papers() == {"a2020b": {"title": "On BERT and k-means", "author": "Müller, A. and Ng, B.", "year": "2020"}}
    assert short(papers()["a2020b"]) == "Müller and Ng 2020"
    assert spelled("by a2020b (not a2020bc)") == "by Müller and Ng 2020 (not a2020bc)"
    assert spelled("by a2020b", lambda key, fields: f"<{key}>") == "by <a2020b>"


def test_a_reference_in_full() -> None:
    fields = papers()["ash2020badge"]
    line = reference(fields, markdown=False)
    assert line.startswith("Ash, Jordan T.; Zhang, Chicheng;")
    assert line.endswith("ICLR, 2020. https://arxiv.org/abs/1906.03671")
    assert "*" not in line
    assert "[arXiv 1906.03671](https://arxiv.org/abs/1906.03671)" in reference(fields)


def test_a_list_that_is_gone_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PACKED", tmp_path / "a")
    monkeypatch.setattr(room, "IN_DOCS", tmp_path / "b")
    with pytest.raises(DataError, match="install querist again"):
        papers()
