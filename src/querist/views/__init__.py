"""Views: maps from rows to what a strategy may know about them. One file a view."""

from querist.views.answers import Answers
from querist.views.base import Positions, View, primitives
from querist.views.contrast import Contrast
from querist.views.density import Density
from querist.views.embeddings import Embeddings
from querist.views.grad_embeddings import GradEmbeddings
from querist.views.head import Head
from querist.views.labels import Labels
from querist.views.logit_samples import LogitSamples
from querist.views.logits import Logits
from querist.views.perturbation import Perturbation
from querist.views.prediction_samples import PredictionSamples
from querist.views.predictions import Predictions
from querist.views.prob_samples import ProbSamples
from querist.views.probs import Probs
from querist.views.raw import Raw
from querist.views.snapshot import Snapshot

__all__ = [
    "Answers",
    "Contrast",
    "Density",
    "Embeddings",
    "GradEmbeddings",
    "Head",
    "Labels",
    "LogitSamples",
    "Logits",
    "Perturbation",
    "Positions",
    "PredictionSamples",
    "Predictions",
    "ProbSamples",
    "Probs",
    "Raw",
    "Snapshot",
    "View",
    "primitives",
]
