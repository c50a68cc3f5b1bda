"""IEThresh: bounds by hand, and the bad annotators dropped as answers come in."""

import numpy as np
import pytest
from scipy import stats

from querist.core.errors import UsageError
from querist.crowd import Votes, interval_threshold


def test_bounds_by_hand():
    # Ann agrees with the majority 3 times of 3, Dan never in 3; everybody begins with a reward and a failure.
    found = interval_threshold(Votes.from_table([[0, 0, 0, 1], [1, 1, 1, 0], [0, 0, 0, 1]]))
    for who, rewards in ((0, [1, 0, 1, 1, 1]), (3, [1, 0, 0, 0, 0])):
        spread = np.std(rewards, ddof=1) / np.sqrt(5)
        assert float(found.bounds[who]) == pytest.approx(np.mean(rewards) + stats.t.ppf(0.975, 4) * spread)
    assert 3 not in interval_threshold(Votes.from_table([[0, 0, 0, 1], [1, 1, 1, 0]] * 9)).annotators.tolist()


@pytest.mark.parametrize("seed", range(3))
def test_who_is_asked_becomes_the_good(seed):
    rng = np.random.default_rng(seed)
    right = np.array([0.9, 0.9, 0.9, 0.4, 0.4, 0.4])
    table = np.full((300, 6), -1)
    asked = []
    for row in range(300):
        chosen = interval_threshold(Votes.from_table(table, c=2), epsilon=0.9).annotators.numpy()
        table[row, chosen] = rng.random(len(chosen)) > right[chosen]  # 0 is always true
        asked.append(set(chosen.tolist()))
    assert all(people == set(range(6)) for people in asked[:1])
    late = [len(people & {3, 4, 5}) for people in asked[-100:]]
    assert np.mean(late) < 0.1
    assert np.mean([len(people & {0, 1, 2}) for people in asked[-100:]]) > 1


def test_ends_of_the_range():
    votes = Votes.from_table([[0, 0, 1]] * 5)
    assert len(interval_threshold(votes, epsilon=0).annotators) == 3
    best = interval_threshold(votes, epsilon=1)
    assert sorted(best.annotators.tolist()) == [0, 1]
    assert sorted(interval_threshold(Votes.from_table([[-1, -1]], c=2)).annotators.tolist()) == [0, 1]
    for options in ({"epsilon": 1.1}, {"confidence": 1.0}):
        with pytest.raises(UsageError, match="annotators cannot be chosen"):
            interval_threshold(votes, **options)
