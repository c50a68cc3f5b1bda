"""Curves against values worked out by hand."""

import pytest

from querist.bench.curves import area_under_curve, labels_at, labels_saved
from querist.core.errors import UsageError

RISING = [(20, 0.5), (40, 0.7), (60, 0.65), (80, 0.9)]
FALLING = [(10, 4.0), (20, 2.0), (30, 1.0)]


def test_labels_at_lies_on_the_line_between_points():
    assert labels_at(RISING, 0.6) == pytest.approx(30.0, abs=1e-9)
    assert labels_at(RISING, 0.8) == pytest.approx(72.0, abs=1e-9)  # 60 + 20 * 0.15 / 0.25
    assert labels_at(RISING, 0.2) == 20.0
    assert labels_at(RISING, 0.95) is None
    assert labels_at(FALLING, 3.0, lower_is_better=True) == pytest.approx(15.0, abs=1e-9)


def test_labels_saved_counts_both_arms():
    quick, slow = [(20, 0.5), (40, 0.9)], [(20, 0.5), (60, 0.7), (100, 0.9)]
    quarter, half, most, whole = labels_saved(quick, slow)
    assert [round(part.value, 9) for part in (quarter, half, most, whole)] == [0.6, 0.7, 0.8, 0.9]
    assert (half.labels, half.twin) == pytest.approx((30.0, 60.0), abs=1e-9)
    assert whole.saved == pytest.approx(60.0, abs=1e-9)
    assert whole.share == pytest.approx(0.6, abs=1e-9)


def test_labels_saved_says_when_an_arm_is_worse_or_never_arrives():
    slow, quick = [(20, 0.5), (60, 0.7)], [(20, 0.5), (40, 0.7), (60, 0.8)]
    [at_seven, at_eight] = labels_saved(slow, quick, values=[0.7, 0.8])
    assert at_seven.saved == pytest.approx(-20.0, abs=1e-9)
    assert at_eight.labels is None
    assert at_eight.saved is None
    assert at_eight.share is None


def test_labels_saved_against_a_flat_twin_compares_at_its_one_value():
    assert [saved.value for saved in labels_saved(RISING, [(20, 0.6), (40, 0.6)])] == [0.6]


def test_labels_saved_where_lower_is_better():
    [saved] = labels_saved(FALLING, [(10, 4.0), (30, 2.0)], values=[2.0], lower_is_better=True)
    assert (saved.labels, saved.twin) == (20.0, 30.0)


def test_area_is_the_mean_height():
    assert area_under_curve([(0, 0.0), (10, 1.0)]) == 0.5
    assert area_under_curve([(20, 0.5), (40, 0.9), (80, 0.9)]) == pytest.approx((14 + 36) / 60, abs=1e-12)
    assert area_under_curve([(20, 0.5)]) == 0.5
    with pytest.raises(UsageError):
        area_under_curve([])
