"""What every model adapter promises. A subject is a recipe and the toy pool that it is tried on."""

from __future__ import annotations

import copy
import inspect
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch

import querist.views
from querist.core.errors import ColdStart, QueristError, ViewMissing
from querist.models.base import Adapter
from querist.pool.pool import Pool
from querist.tasks.base import Label
from querist.testing.checks.base import global_generators_untouched, raises, require
from querist.testing.model_case import LABELLED, MEMBERS, ModelCase
from querist.testing.toy_pools import ToyPool
from querist.views import Embeddings, Head, Logits, Predictions, View
from querist.views.logit_samples import Source

ASKED = np.arange(10, 40)


def _fit(adapter: Adapter, toy: ToyPool, *, seed: int = 1, rows: Any = LABELLED, **options: Any) -> str:
    """Train, and the fingerprint of the weights."""
    rows = np.asarray(rows)
    adapter.fit(toy.pool, rows, toy.told(rows), seed=seed, **options)
    return adapter.version


def _views(adapter: Adapter) -> list[View]:
    """Every primitive view that it says it answers."""
    views: list[View] = []
    for cls in vars(querist.views).values():
        if inspect.isclass(cls) and issubclass(cls, View) and cls is not View and not cls().parts():
            if "source" in inspect.signature(cls).parameters:
                views += [cls(samples=MEMBERS, source=source) for source in get_args(Source)]  # type: ignore[call-arg]
            else:
                views.append(cls())
    return [view for view in views if adapter.answers(view)]


def _said(
    adapter: Adapter, pool: Pool, rows: Sequence[int] | np.ndarray, *, seed: int = 5, members: int = MEMBERS
) -> tuple[dict[View, torch.Tensor], torch.Tensor | None]:
    views = [view for view in _views(adapter) if view.members <= members]
    answers = adapter.answer(views, pool, np.asarray(rows), seed=seed)
    return answers.views, answers.offsets


def _same(one: dict[View, torch.Tensor], two: dict[View, torch.Tensor], message: str, *, atol: float = 2e-4) -> None:
    """Sums in another order (another batch, another thread) differ in the last digits."""
    for view, answer in one.items():
        alike = answer.shape == two[view].shape and torch.allclose(answer, two[view], atol=atol, rtol=1e-4)
        require(alike, f"{view}: {message}")


def _joined(parts: Sequence[dict[View, torch.Tensor]]) -> dict[View, torch.Tensor]:
    return {
        view: parts[0][view] if view.scope == "model" else torch.cat([part[view] for part in parts], dim=view.row_axis)
        for view in parts[0]
    }


def check_same_arguments_give_same_weights(case: ModelCase) -> None:
    """The version is a cache key: equal for equal arguments, another one for another seed or other labels."""
    toy = case.toy()
    one, two = case.prepared(toy), case.prepared(toy)
    require(one.version == "", "it has a version before any training")
    first = _fit(one, toy)
    require(first != "" and first == _fit(two, toy), "the same arguments give another version")
    said = [_said(adapter, toy.pool, ASKED, members=1)[0] for adapter in (one, two)]
    _same(said[0], said[1], "the same arguments give other answers", atol=1e-6)
    require(_fit(case.prepared(toy), toy, seed=2) != first, "another seed gives the same version")
    require(_fit(case.prepared(toy), toy, rows=LABELLED[:-1]) != first, "fewer labels give the same version")


def check_refits(case: ModelCase) -> None:
    """What was trained before leaves no trace, or it says so and goes on from there."""
    toy = case.toy()
    adapter = case.prepared(toy)
    first, _, again = _fit(adapter, toy), _fit(adapter, toy, seed=2), _fit(adapter, toy)
    if adapter.refits:
        require(first == again, "a training in between changes what the same arguments give")
    else:
        require(first != again, "it says that it goes on from the last weights, and starts anew")


def check_learns(case: ModelCase) -> None:
    """On rows it has not seen it is better than one answer for all."""
    adapter, toy = case.asked
    held_out = np.arange(len(LABELLED), len(toy.pool))
    answers, offsets = adapter.predict(toy.pool, held_out)
    name, truth = toy.task.metrics[0], toy.told(held_out)
    score = toy.task.evaluate(answers, offsets, truth)[name]
    same = toy.task.evaluate(answers.mean(0, keepdim=True).expand_as(answers).clone(), offsets, truth)[name]
    better = score < 0.8 * same if name in toy.task.lower_is_better else score > same + 0.1
    require(better, f"{name} is {score:.3f}, one answer for all has {same:.3f}")


def check_leaves_its_surroundings(case: ModelCase) -> None:
    """Global generators and arguments are as they were."""
    toy = case.toy()
    rows, labels = LABELLED.copy(), toy.told(LABELLED)
    kept = copy.deepcopy(labels)
    with global_generators_untouched():
        adapter = case.prepared(toy)
        adapter.fit(toy.pool, rows, labels, seed=3, members=MEMBERS)
        _said(adapter, toy.pool, ASKED)
        adapter.predict(toy.pool, ASKED)
    require(bool((rows == LABELLED).all()) and labels == kept, "it writes into what it was handed")


def check_answers_what_it_says(case: ModelCase) -> None:
    """Finite answers of the promised length to what it takes, and a refusal of what it does not."""
    adapter, toy = case.asked
    views, offsets = _said(adapter, toy.pool, ASKED)
    require(len(views) >= 2, f"it answers no more than {list(views)}")
    for view, answer in views.items():
        units = len(ASKED) if offsets is None or view.scope != "unit" else int(offsets[-1])
        whole = view.scope == "model" or answer.shape[view.row_axis] == units
        require(whole, f"{view}: shape {tuple(answer.shape)} for {units} units")
        require(bool(torch.isfinite(answer).all()), f"{view}: not finite")
    other = Logits() if toy.task.kind == "regression" else Predictions()
    require(not adapter.answers(other), f"it answers {other} for the task {toy.task.kind}")
    raises(ViewMissing, lambda: adapter.answer([other], toy.pool, ASKED, seed=0), "a strange view must be refused")


def check_head_gives_the_answers(case: ModelCase) -> None:
    """Where it has a head, embeddings times the head are what it answers."""
    adapter, toy = case.asked
    if not adapter.answers(Head()):
        return
    kind = toy.task.kind
    plain: View = Predictions() if kind == "regression" else Logits()
    views = adapter.answer([Head(), Embeddings(), plain], toy.pool, ASKED, seed=5).views
    head, answer = views[Head()], views[plain]
    gives = views[Embeddings()] @ head[:, :-1].T + head[:, -1]
    if kind == "regression":
        _close(gives[:, 0], answer, "the head gives other predictions")
    elif kind == "multilabel":
        _close(gives.sigmoid().flatten(), answer.softmax(-1)[:, 1], "the head gives other probabilities")
    else:
        _close(gives.softmax(-1), answer.softmax(-1), "the head gives other probabilities")


def check_offsets_are_unit_counts(case: ModelCase) -> None:
    """Units stand where the task says that the rows' units start."""
    adapter, toy = case.asked
    counts = toy.task.unit_counts([toy.pool[int(row)] for row in ASKED])
    for offsets in (_said(adapter, toy.pool, ASKED)[1], adapter.predict(toy.pool, ASKED)[1]):
        if counts is None:
            require(offsets is None, "it gives offsets where a row is its one unit")
        else:
            require(offsets is not None and offsets.diff().equal(counts), f"{offsets} for units {counts.tolist()}")


def check_halves_make_the_whole(case: ModelCase) -> None:
    """Rows are independent: halves asked apart, and rows asked one by one, equal the whole."""
    adapter, toy = case.asked
    whole, _ = _said(adapter, toy.pool, ASKED)
    halves = [_said(adapter, toy.pool, rows)[0] for rows in (ASKED[:11], ASKED[11:])]
    _same(_joined(halves), whole, "halves asked apart differ from the whole")
    few, _ = _said(adapter, toy.pool, ASKED[:4])
    _same(_joined([_said(adapter, toy.pool, [row])[0] for row in ASKED[:4]]), few, "rows asked one by one differ")


def check_batch_size_does_not_matter(case: ModelCase) -> None:
    """Where it has a batch size for answering, any will do."""
    adapter, toy = case.asked
    known = getattr(adapter, "inference_batch", None)
    if known is None:
        return
    whole, _ = _said(adapter, toy.pool, ASKED)
    try:
        adapter.inference_batch = 7  # type: ignore[attr-defined]
        _same(_said(adapter, toy.pool, ASKED)[0], whole, "batches of 7 differ")
    finally:
        adapter.inference_batch = known  # type: ignore[attr-defined]


def check_seed_draws_samples_only(case: ModelCase) -> None:
    """The seed of an answer decides dropout masks and drawn weights, and nothing else."""
    adapter, toy = case.asked
    one, two = _said(adapter, toy.pool, ASKED)[0], _said(adapter, toy.pool, ASKED, seed=6)[0]
    for view in one:
        drawn = getattr(view, "source", "ensemble") != "ensemble"
        require(torch.equal(one[view], two[view]) is not drawn, f"{view}: wrong use of the seed")


def check_members_are_an_ensemble(case: ModelCase) -> None:
    """Member 0 is the network that is trained alone, the others are different ones."""
    toy = case.toy()
    alone = case.prepared(toy)
    _fit(alone, toy)
    together, _ = case.asked
    _close(alone.predict(toy.pool, ASKED)[0], together.predict(toy.pool, ASKED)[0], "member 0 is not the single model")
    views = together.answer(_views(together), toy.pool, ASKED, seed=5).views
    plain = next(answer for view, answer in views.items() if type(view) in (Logits, Predictions))
    ensembles = [answer for view, answer in views.items() if getattr(view, "source", "") == "ensemble"]
    require(len(ensembles) == 1, "it answers no ensemble")
    _close(ensembles[0][0], plain, "the first sample is not member 0")
    require(not torch.allclose(ensembles[0][0], ensembles[0][1]), "two members are the same network")
    raises(
        ViewMissing,
        lambda: alone.answer([view for view in views if view.members > 1], toy.pool, ASKED, seed=5),
        "an ensemble that was not trained must be refused",
    )


def _close(one: torch.Tensor, two: torch.Tensor, message: str) -> None:
    require(one.shape == two.shape and torch.allclose(one, two, atol=2e-4, rtol=1e-4), message)


def check_predicts_what_it_answers(case: ModelCase) -> None:
    """``predict`` is the softmax of the logits, or the predictions."""
    adapter, toy = case.asked
    said, _ = _said(adapter, toy.pool, ASKED)
    answer = said[Predictions()] if Predictions() in said else said[Logits()].softmax(-1)
    _close(adapter.predict(toy.pool, ASKED)[0], answer, "predict and answer differ")


def check_saved_and_loaded(case: ModelCase) -> None:
    """Weights on disk give the same answers and version, and a training goes on from them as it would have."""
    adapter, toy = case.asked
    with tempfile.TemporaryDirectory() as folder:
        if not adapter.storable:
            raises(QueristError, lambda: adapter.save(Path(folder)), "it cannot be stored and does not say so")
            return
        adapter.save(Path(folder))
        files = {path.suffix for path in Path(folder).rglob("*") if path.is_file()}
        require(files <= {".safetensors", ".json"}, f"it writes {files}; weights are safetensors, the rest JSON")
        loaded = case.prepared(toy)
        loaded.load(Path(folder))
    require(loaded.version == adapter.version, "loaded weights have another version")
    _same(_said(loaded, toy.pool, ASKED)[0], _said(adapter, toy.pool, ASKED)[0], "loaded weights differ", atol=1e-6)
    first = case.prepared(toy)
    if not first.refits:
        _fit(first, toy, members=MEMBERS)
    require(_fit(loaded, toy, seed=9) == _fit(first, toy, seed=9), "training goes on in another way")


def check_one_class(case: ModelCase) -> None:
    """Labels that are all alike can be trained on; so can a single row."""
    toy = case.toy()
    adapter = case.prepared(toy)
    first = toy.labels[0]
    alike = [row for row in range(len(toy.pool)) if _alike(toy.labels[row], first)]
    for rows in (alike, [0]):
        _fit(adapter, toy, rows=rows, members=MEMBERS)
        for view, answer in _said(adapter, toy.pool, ASKED)[0].items():
            require(bool(torch.isfinite(answer).all()), f"{view}: not finite after {len(rows)} rows of one class")


def _alike(label: Label, other: Label) -> bool:
    return set(label) == set(other) if isinstance(label, list) else label == other


def check_says_when_it_is_untrained(case: ModelCase) -> None:
    """No labels to train on, or no training yet: both are a cold start."""
    toy = case.toy()
    adapter = case.prepared(toy)
    raises(ColdStart, lambda: _fit(adapter, toy, rows=LABELLED[:0]), "it must not train on nothing")
    plain = Predictions() if toy.task.kind == "regression" else Logits()
    raises(ColdStart, lambda: adapter.answer([plain], toy.pool, ASKED, seed=0), "it must not answer untrained")


def check_prepare_again_is_cheap_and_forgets(case: ModelCase) -> None:
    """Campaigns share an adapter: each prepares it, and none inherits the weights of another."""
    toy = case.toy()
    adapter = case.prepared(toy)
    first = _fit(adapter, toy)
    before = toy.pool.reads
    adapter.prepare(toy.pool, toy.task)
    read = toy.pool.reads - before
    require(read <= 4, f"preparing again for the same pool reads {read} payloads")
    require(adapter.version == "", "it still has a version")
    require(_fit(adapter, toy) == first, "it trains other weights after it was prepared again")


def check_answers_rows_added_later(case: ModelCase) -> None:
    """A row that joined the pool after ``prepare`` is answered as its like, and can be trained on."""
    toy = case.toy()
    adapter = case.prepared(toy)
    _fit(adapter, toy, members=MEMBERS)
    old = ASKED[3:6]
    new = toy.pool.add([toy.pool[row] for row in old], origin="copied")
    _same(
        _said(adapter, toy.pool, new)[0], _said(adapter, toy.pool, old)[0], "an added row is not answered as its like"
    )
    adapter.fit(toy.pool, np.append(LABELLED, new), toy.told(LABELLED) + toy.told(old), seed=1)


def check_reads_the_pool_it_is_asked_about(case: ModelCase) -> None:
    """New data are other rows than those of the pool that it was prepared for."""
    adapter, toy = case.asked
    payloads = [toy.pool[row] for row in ASKED[::-1]]
    other = Pool.from_arrays(payloads if case.modality in ("text", "tokens") else np.stack(payloads))
    answers = [adapter.answer(_views(adapter), other, np.array([row]), seed=5).views for row in reversed(other.rows())]
    _same(_joined(answers), _said(adapter, toy.pool, ASKED)[0], "rows of another pool are not read from it")


def check_takes_validation_rows(case: ModelCase) -> None:
    """Held-out labels may stop a training early, always in the same way."""
    toy = case.toy()
    held_out = (np.arange(20, 30), toy.told(range(20, 30)))
    versions = {_fit(case.prepared(toy), toy, validation=held_out) for _ in range(2)}
    require(len(versions) == 1, "two trainings with the same validation rows differ")


def check_tells_its_progress(case: ModelCase) -> None:
    """Shares of the work that never fall, from 0 to 1."""
    toy = case.toy()
    adapter = case.prepared(toy)
    shares: list[float] = []
    _fit(adapter, toy, members=MEMBERS, progress=shares.append)
    require(bool(shares) and shares == sorted(shares) and shares[0] >= 0 and shares[-1] == 1, f"training: {shares}")
    shares.clear()
    adapter.answer(_views(adapter), toy.pool, ASKED, seed=5, progress=shares.append)
    require(bool(shares) and shares == sorted(shares) and shares[0] >= 0 and shares[-1] == 1, f"answering: {shares}")
