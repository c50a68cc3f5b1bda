"""Snapshots, positions and derived views."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from querist.core.errors import DataError, NonFinite, UnknownName, UsageError, ViewMissing
from querist.core.rng import generator
from querist.views import (
    Embeddings,
    GradEmbeddings,
    Head,
    Labels,
    Logits,
    LogitSamples,
    Positions,
    PredictionSamples,
    Probs,
    ProbSamples,
    Raw,
    Snapshot,
    primitives,
)

SIX = [[0.9, 0.1], [0.5, 0.5], [0.3, 0.7]]


def test_probs_are_derived_from_logits_once() -> None:
    logits = torch.tensor([[1.0, 2.0, 0.5]])
    snapshot = Snapshot.from_arrays(logits=logits)
    torch.testing.assert_close(snapshot[Probs()], logits.softmax(-1))
    assert snapshot[Probs()] is snapshot[Probs()]


def test_gradient_embeddings_are_last_layer_gradients() -> None:
    layer = torch.nn.Linear(3, 4, bias=False)
    z = torch.tensor([[0.5, -1.0, 2.0]])
    logits = layer(z)
    guess = logits.argmax(-1)
    gradient = torch.autograd.grad(torch.nn.functional.cross_entropy(logits, guess), layer.weight)[0]
    snapshot = Snapshot.from_arrays(logits=logits.detach(), embeddings=z)
    torch.testing.assert_close(snapshot[GradEmbeddings()].dense()[0], gradient.flatten(), atol=1e-6, rtol=0)


def test_gradient_embeddings_of_a_multilabel_row() -> None:
    probs = torch.tensor([[0.2, 0.8], [0.9, 0.1]])
    snapshot = Snapshot.from_arrays(probs=probs, embeddings=torch.tensor([[2.0]]), offsets=[0, 2], task="multilabel")
    torch.testing.assert_close(snapshot[GradEmbeddings()].dense(), torch.tensor([[-0.4, 0.2]]))


def test_gradient_embeddings_of_tokens_are_refused() -> None:
    snapshot = Snapshot.from_arrays(probs=SIX, embeddings=[[1.0], [2.0]], offsets=[0, 2, 3])
    with pytest.raises(ViewMissing, match="tokens"):
        snapshot[GradEmbeddings()]


def test_samples_given_answer_any_number_asked() -> None:
    snapshot = Snapshot.from_arrays(prob_samples=[SIX, SIX])
    assert snapshot[ProbSamples(samples=50, source="ensemble")].shape == (2, 3, 2)


def test_missing_view_says_what_there_is() -> None:
    with pytest.raises(ViewMissing, match="no Raw; it has Probs"):
        Snapshot.from_arrays(probs=SIX)[Raw()]


def test_labels_imply_what_is_labelled() -> None:
    snapshot = Snapshot.from_arrays(probs=SIX, labels=[-1, 1, -1], rows=[10, 20, 30])
    assert snapshot.at.labelled.tolist() == [1]
    assert snapshot.at.candidates.tolist() == [0, 2]
    assert snapshot[Labels()].tolist() == [-1, 1, -1]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"probs": SIX, "embeddings": [[1.0]]}, "different numbers of rows"),
        ({"probs": [[0.9, 0.3]]}, "row 0 do not sum to one"),
        ({"probs": SIX, "labelled": [3]}, "position 3"),
        ({"probs": SIX, "labelled": [1, 1]}, "twice"),
        ({"probs": SIX, "rows": [1, 2]}, "2 row ids"),
        ({"probs": SIX, "offsets": [0, 2]}, "offsets end at 2"),
        ({}, "at least one array"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(arrays: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Snapshot.from_arrays(**arrays)


def test_first_row_that_is_not_finite_is_named_by_its_id() -> None:
    table = np.zeros((3, 2))
    table[1, 1] = np.inf
    with pytest.raises(NonFinite, match="Embeddings of row 20"):
        Snapshot.from_arrays(embeddings=table, rows=[10, 20, 30])
    samples = np.zeros((4, 3))
    samples[2, 1] = np.nan
    with pytest.raises(NonFinite, match="PredictionSamples of row 20"):
        Snapshot.from_arrays(prediction_samples=samples, rows=[10, 20, 30])


def test_unit_that_is_not_finite_names_the_row_that_owns_it() -> None:
    logits = torch.zeros(5, 2)
    logits[3, 0] = torch.nan
    with pytest.raises(NonFinite, match="Logits of row 30"):
        Snapshot.from_arrays(logits=logits, offsets=[0, 1, 3, 5], rows=[10, 20, 30])


def test_row_of_unit_skips_rows_without_units() -> None:
    at = Positions(n=3, candidates=torch.arange(3), offsets=torch.tensor([0, 2, 2, 4]))
    assert [at.row_of_unit(unit) for unit in range(4)] == [0, 0, 2, 2]


def test_primitives_are_asked_once_each() -> None:
    asked = primitives([GradEmbeddings(), Probs(), Embeddings()], lambda view: isinstance(view, Logits | Embeddings))
    assert asked == (Logits(), Embeddings())
    with pytest.raises(ViewMissing, match="LogitSamples"):
        primitives([ProbSamples()], lambda view: isinstance(view, Logits))


def test_members_say_how_many_networks_are_trained() -> None:
    assert ProbSamples(samples=5, source="ensemble").members == 5
    assert PredictionSamples(samples=5).members == 1
    assert ProbSamples(samples=50, source="dropout_ensemble", networks=4).members == 4
    assert LogitSamples(samples=2, source="dropout_ensemble").members == 2
    assert ProbSamples(source="laplace").members == 1
    assert GradEmbeddings().members == 1
    with pytest.raises(UsageError, match="1 or more"):
        LogitSamples(samples=0)
    with pytest.raises(UsageError, match="1 or more"):
        LogitSamples(networks=0)
    with pytest.raises(UnknownName, match="did you mean 'laplace'"):
        LogitSamples(source="laplance")  # type: ignore[arg-type]


def test_a_model_is_asked_about_the_table_alone() -> None:
    """Its answers for the rows at hand must not pass for those of other rows."""
    for view in (Embeddings(of="target"), ProbSamples(of="target")):
        with pytest.raises(ViewMissing, match="of the target rows; bring a snapshot"):
            primitives([view], lambda _: True)


def test_target_samples_are_a_view_of_their_own() -> None:
    snapshot = Snapshot.from_arrays(prob_samples=[SIX, SIX], target_samples=[SIX[:1], SIX[:1]])
    assert snapshot[ProbSamples(of="target")].shape == (2, 1, 2)
    assert snapshot[ProbSamples()].shape == (2, 3, 2)


def test_drawn_candidates_are_candidates() -> None:
    at = Positions(n=50, candidates=torch.arange(10, 50))
    some = at.drawn(7, rng=generator(0))
    assert len(some.unique()) == 7
    assert int(some.min()) >= 10
    assert torch.equal(at.drawn(40, rng=generator(0)), at.candidates)
    assert at.drawn(7, rng=generator(1)).tolist() != some.tolist()


def test_a_head_stands_beside_the_rows() -> None:
    snapshot = Snapshot.from_arrays(embeddings=[[1.0, 2.0]] * 5, head=[[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]])
    assert snapshot[Head()].shape == (2, 3)
    assert snapshot.at.n == 5


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"embeddings": [[1.0, 2.0]], "head": [[1.0, 0.0]]}, "2 columns for embeddings of 2 numbers"),
        ({"probs": SIX, "head": [[1.0, 0.0]]}, "1 rows for 2 classes"),
        ({"embeddings": [[1.0]], "head": [1.0, 0.0]}, r"give \[c d\+1\]"),
        ({"head": [[1.0, 0.0]]}, "needs rows"),
    ],
)
def test_a_head_that_fits_nothing_is_refused(arrays: dict, words: str) -> None:
    with pytest.raises(DataError, match=words):
        Snapshot.from_arrays(**arrays)


def test_a_head_that_is_not_finite_names_its_row() -> None:
    with pytest.raises(NonFinite, match="Head of row 1 of the last layer"):
        Snapshot.from_arrays(embeddings=[[1.0]], head=[[1.0, 0.0], [float("nan"), 0.0]])
