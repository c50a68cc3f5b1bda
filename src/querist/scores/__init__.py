"""Scores turn a view into one number a row, or a unit. Higher always means "ask me first".

Pure arithmetic on the last axis; leading axes pass through, so one ``entropy`` serves images, pixels, tokens and
nodes. Where several posterior samples are compared they stand on the first axis: ``prob_samples [s ... c]``.
File = idea = function.
"""

from querist.scores.bald import bald
from querist.scores.consensus_kl import consensus_kl
from querist.scores.contrast import contrast
from querist.scores.decision_gap import decision_gap
from querist.scores.density import density
from querist.scores.entropy import entropy
from querist.scores.gradient_length import gradient_length
from querist.scores.least_confidence import least_confidence
from querist.scores.margin import margin
from querist.scores.mean_distance import mean_distance
from querist.scores.mean_std import mean_std
from querist.scores.predictive_gain import predictive_gain
from querist.scores.variance import variance
from querist.scores.variation_ratio import variation_ratio
from querist.scores.vote_entropy import vote_entropy

__all__ = [
    "bald",
    "consensus_kl",
    "contrast",
    "decision_gap",
    "density",
    "entropy",
    "gradient_length",
    "least_confidence",
    "margin",
    "mean_distance",
    "mean_std",
    "predictive_gain",
    "variance",
    "variation_ratio",
    "vote_entropy",
]
