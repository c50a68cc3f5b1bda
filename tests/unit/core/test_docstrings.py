"""Docstrings taken apart: headings, prose before and after them, and what is no heading."""

from querist.core.docstrings import WHY, plain, sections
from querist.strategies import registry

TEXT = """Rows by doubt.

    Two words: this is prose.

    Formula:
        ``a + b``

    Use it when:
        classes are few,
        and labels dear:

        - a list
          goes on

    Not when:
        never.

    Args:
        k: rows.

    Prose again.
    """


def test_sections_are_found_and_keep_their_shape() -> None:
    found = sections(TEXT)
    assert list(found) == ["", "Formula", "Use it when", "Not when", "Args"]
    assert found[""] == "Rows by doubt.\n\nTwo words: this is prose.\n\nProse again."
    assert found["Formula"] == "``a + b``"
    assert found["Use it when"] == "classes are few,\nand labels dear:\n\n- a list\n  goes on"
    assert found["Args"] == "k: rows."


def test_no_docstring_has_no_sections() -> None:
    assert sections(None) == {"": ""}
    assert sections("Remark:\nnothing is indented below it.") == {"": "Remark:\nnothing is indented below it."}


def test_plain_words_for_a_terminal() -> None:
    assert plain("See :func:`compress`,\n    or ``k_center`` of :mod:`querist.selectors`.") == (
        "See compress, or k_center of selectors."
    )


def test_all_strategies_that_serve_a_row_say_when() -> None:
    for name in registry:
        if registry[name].rows:
            assert set(WHY) <= set(sections(registry[name].__doc__)), name
