"""The report's page: whole, self-contained, and unharmed by what stands in the data."""

import dataclasses
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from querist.cli.report.evidence import Evidence, shares, spread
from querist.cli.report.facts import command_of
from querist.cli.report.page import finished, page
from querist.cli.report.payloads import picture, shown
from querist.core.errors import DataError
from querist.loop.settings import RunSettings

VOID = {"img", "meta", "br", "input"}


class Outline(HTMLParser):
    """Ids, attributes, visible text, and whether every element that opens is closed."""

    def __init__(self):
        super().__init__()
        self.ids, self.links, self.tags, self.open = [], [], [], []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        values = dict(attrs)
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values[name] for name in ("src", "href", "xlink:href") if name in values]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text += data


def read(text):
    outline = Outline()
    outline.feed(text)
    assert outline.open == []
    return outline


@pytest.mark.parametrize("evidence", ["images", "texts", "tokens", "rows"])
def test_page_is_whole_and_asks_the_network_for_nothing(result, evidence, request):
    text = page(result, request.getfixturevalue(evidence))
    outline = read(text)
    assert outline.links
    assert all(link.startswith(("data:", "#")) for link in outline.links)
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?https?:|@import|url\(\s*[\"']?http", text)
    assert "script" not in outline.tags
    assert {"curves", "saved", "asked", "picks", "time", "settings", "again"} <= set(outline.ids)
    assert len(outline.ids) == len(set(outline.ids))


def test_links_inside_the_curves_lead_somewhere(result, images):
    text = page(result, images)
    ids = set(read(text).ids)
    wanted = set(re.findall(r'(?:xlink:href="#|url\(#)([\w-]+)', text))
    assert wanted
    assert wanted <= ids


def test_page_says_what_the_run_showed(result, images):
    text = " ".join(read(page(result, images)).text.split())
    # The twin ends at (0.88 + 0.92) / 2; the arm is there between 40 labels (0.82) and 60 (0.92).
    assert "To reach random's final accuracy of 0.900, badge needed 56 labels and random 80" in text
    assert "24 labels saved (30%)" in text
    assert "0.960" in text  # final mean of the arm
    assert "0.950 to 0.970" in text
    assert "the labels look like classification with 2 classes" in text
    assert "drawn at random" in text
    assert "margin 0.03" in text
    assert "62.5%" in text  # class 1 is 50 of 80 labels asked
    assert "querist run digits --budget 80 --seeds 0,1 --target 0.9 --out" in text
    assert "not finished" not in text


def test_both_colour_schemes_colour_the_curves(result, images):
    text = page(result, images)
    assert "prefers-color-scheme: dark" in text
    assert "var(--arm-0)" in text
    assert "#01010" not in text


def test_text_from_the_data_is_escaped(result, texts):
    text = page(result, texts)
    assert "<script" not in text
    assert "&lt;script&gt;alert(" in text
    assert "entropy 0.69 &lt;of 0.7&gt;" in text
    assert "<b><b></b>" not in text


def test_tokens_wear_their_tags(result, tokens):
    text = page(result, tokens)
    assert "<mark>Ada<sub>B-person</sub></mark>" in text
    assert "&lt;i&gt;" in text


def test_a_campaign_that_is_not_finished_is_called_so(result, images):
    partial = dataclasses.replace(result, stopped={}, arms={"badge": result.arms["badge"][:1]})
    text = read(page(partial, images)).text
    assert "not finished" in text
    assert "labels saved" not in text


def test_a_run_without_a_round_has_no_report(result):
    empty = [dataclasses.replace(curve, points=()) for curve in result.arms["badge"]]
    assert list(finished(dataclasses.replace(result, arms={"badge": empty, "random": result.arms["random"]})).arms) == [
        "random"
    ]
    with pytest.raises(DataError, match="no round"):
        finished(dataclasses.replace(result, arms={"badge": empty}))


def test_data_that_moved_away_cost_the_pictures_only(result):
    text = read(page(result, Evidence(lost="there is no folder ./photos", asked={"badge": ["0"]}))).text
    assert "Learning curves" in text


def test_many_classes_show_the_most_frequent(result):
    names = [f"class-{number:02d}" for number in range(40)]
    evidence = Evidence(asked={"badge": names}, pool=names + names[30:] * 5)
    text = page(result, evidence)
    assert "The 24 most frequent of 42 classes" in text  # the settings name two more
    assert "class-39" in text
    assert "class-29" not in text


@pytest.mark.parametrize(("shape", "kind"), [((8, 8), "png"), ((300, 200, 3), "jpeg")])
def test_pictures_are_small_and_inside(shape, kind):
    element = picture(np.zeros(shape, dtype=np.uint8), "cat")
    assert f'src="data:image/{kind};base64,' in element
    assert max(int(number) for number in re.findall(r'(?:width|height)="(\d+)"', element)) <= 128


def test_long_payloads_are_cut():
    assert shown("word " * 500, "text").endswith("…</p>")
    assert "and 34 more" in shown(np.zeros(50), "table")
    assert "… 40 more" in shown(["a"] * 100, "tokens", ["O"] * 100)
    assert "not readable" in shown(None, "image")


def test_shares_by_task():
    multilabel = shares({"asked": [["a", "b"], ["b"], []]}, task="multilabel", classes=["a", "b", "c"])["asked"]
    assert multilabel == pytest.approx({"a": 1 / 3, "b": 2 / 3, "c": 0.0}, abs=1e-12)
    tags = {"asked": [["O", "B-loc", "I-loc", "B-per"]], "whole pool": [["O"]]}
    assert shares(tags, task="tokens", classes=["O", "B-loc", "B-per"]) == {
        "asked": pytest.approx({"loc": 2 / 3, "per": 1 / 3}, abs=1e-12),
        "whole pool": {"loc": 0.0, "per": 0.0},
    }
    values = shares({"asked": [0.0, 10.0], "whole pool": [0.0, 0.5, 10.0, 9.9]}, task="regression", classes=[])
    assert list(values["asked"].values()) == [0.5, *[0.0] * 8, 0.5]
    assert list(values["whole pool"].values()) == [0.5, *[0.0] * 8, 0.5]
    assert next(iter(values["asked"])) == "0 to 1"


def test_spread_keeps_both_ends():
    assert spread(range(100), 5) == [0, 25, 50, 74, 99]
    assert spread([], 5) == []


def test_command_repeats_the_settings(tmp_path):
    settings = RunSettings(data="images:my photos", free_validation=True, initial_strategy="core_set", candidates=50)
    assert command_of(settings, tmp_path / "a b") == (
        "querist run 'images:my photos' --candidates 50 --free-validation --initial-strategy core_set "
        f"--out '{tmp_path}/a b'"
    )


def test_the_page_says_where_each_stopping_rule_stands(result, images):
    from querist.stopping.base import Verdict

    assert "When to stop" not in page(result, images)
    stands = {"badge/0": {"plateau": Verdict(stop=False, text="accuracy is better by 0.012, stops at 0")}}
    text = " ".join(read(page(dataclasses.replace(result, stands=stands), images)).text.split())
    assert "badge/0plateauaccuracy is better by 0.012, stops at 0no" in text
