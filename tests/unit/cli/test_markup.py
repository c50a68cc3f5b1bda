"""Nothing that stands in a run can break out of its place in the page."""

from querist.cli.report.markup import Markup, join, table, tag


def test_children_and_attributes_are_escaped():
    assert tag("p", "<b>", title='"x" < y') == '<p title="&quot;x&quot; &lt; y">&lt;b&gt;</p>'


def test_markup_is_not_escaped_twice_and_nothing_is_left_out():
    assert tag("p", tag("b", "a & b"), None, class_="note") == '<p class="note"><b>a &amp; b</b></p>'
    assert isinstance(tag("p"), Markup)


def test_attributes_without_value_and_void_elements():
    assert tag("details", open=True, hidden=False, id=None) == "<details open></details>"
    assert tag("img", src="x", data_row=3) == '<img src="x" data-row="3">'


def test_join_and_table():
    assert join("a<", None, Markup("<b>")) == "a&lt;<b>"
    html = table(["x", "y"], [["<1>", "2"]])
    assert '<th scope="row">&lt;1&gt;</th><td>2</td>' in html
