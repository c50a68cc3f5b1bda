"""Crowds: what many annotators' votes say together, how good each of them is, and whom to ask.

Everything here is a pure function of :class:`Votes` (who said what of which row). A consensus has a label, its
probability and the quality of each annotator; nothing is remembered between calls. File = idea = function.
"""

from querist.crowd.consensus import Consensus
from querist.crowd.cost_effective import cost_effective
from querist.crowd.crowdlab import crowdlab
from querist.crowd.dawid_skene import dawid_skene
from querist.crowd.interval_threshold import interval_threshold
from querist.crowd.mace import mace
from querist.crowd.majority import majority
from querist.crowd.one_coin import one_coin
from querist.crowd.votes import Votes

__all__ = [
    "Consensus",
    "Votes",
    "cost_effective",
    "crowdlab",
    "dawid_skene",
    "interval_threshold",
    "mace",
    "majority",
    "one_coin",
]
