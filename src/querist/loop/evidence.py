"""What stopping rules see of a round: looked at once, while the model is there, and stored as plain data.

So a rule never needs the model: a resumed run, a report and a rule that is tried afterwards read the same rounds.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from querist.core.rng import numpy_generator
from querist.core.types import Float, Tensor
from querist.scores.entropy import entropy
from querist.stopping.base import DOUBT, PREDICTIONS, Doubt, Guesses, RoundSummary, Stopping, Verdict
from querist.storage.journal import Journal

if TYPE_CHECKING:
    from querist.loop.session import Session

VALIDATION = "validation/"
"""Prefix of metrics on validation rows in the journal; the others are on the test rows."""


def stop_set(rows: np.ndarray, size: int, seed: int) -> np.ndarray:
    """The rows that a campaign's models are compared on: drawn once, whatever happens to their labels.

    Args:
        rows: that may be drawn, pool ids.
        size: how many at most.
        seed: of the campaign, so that all arms are judged on the same rows.
    """
    if size >= len(rows):
        return rows
    return rows[np.sort(numpy_generator(seed, "stop set").choice(len(rows), size, replace=False))]


def guesses(session: Session) -> Guesses | None:
    """How many of the open round's labels the model of the round before had right; call it before training.

    ``None`` in the first round, which no model has seen.
    """
    rows = session.ledger.asked[np.isin(session.ledger.asked, session.state.rows)]
    if session.round < 1 or not len(rows):
        return None
    answers, offsets = session.adapter.predict(session.pool, rows)
    said, task = session.task.decide(answers, offsets), session.task
    told = [session.state.label(row) for row in rows.tolist()]
    right = sum(task.encode(a) == task.encode(b) for a, b in zip(said, told, strict=True))
    return Guesses(right=right, of=len(rows))


def looked_at(session: Session, rows: np.ndarray, needs: Collection[str]) -> RoundSummary:
    """What the session's model says about the stop set; only the fields that ``needs`` names are filled in.

    Args:
        session: just trained.
        rows: the stop set.
        needs: as rules declare them.
    """
    found = RoundSummary(labels=session.labels)
    if not {PREDICTIONS, DOUBT} & set(needs) or not len(rows):
        return found
    answers, offsets = session.adapter.predict(session.pool, rows)
    sizes = np.ones(len(rows), dtype=np.int64) if offsets is None else offsets.diff().numpy(force=True)
    open_ = torch.as_tensor(np.repeat(~np.isin(rows, session.state.rows), sizes), device=answers.device)
    return RoundSummary(
        labels=session.labels,
        predictions=tuple(answers.argmax(-1).tolist()) if PREDICTIONS in needs else (),
        doubt=_doubt(answers[open_]) if DOUBT in needs and bool(open_.any()) else None,
    )


def _doubt(probs: Float[Tensor, "u c"]) -> Doubt:
    unsure = entropy(probs.double()) / math.log(max(probs.shape[1], 2))
    wrong = 1 - probs.double().amax(-1)
    values = (unsure.mean(), unsure.amax(), wrong.mean())
    mean, most, error = (round(min(max(float(value), 0.0), 1.0), 6) for value in values)
    return Doubt(mean_entropy=mean, max_entropy=most, expected_error=error)


def keep(journal: Journal, campaign: str, number: int, found: RoundSummary) -> None:
    """Store what was seen in a round, before it is closed. Storing it again changes nothing."""
    evidence = found.evidence()
    if evidence:
        journal.set_meta(_key(campaign, number), evidence)


def summaries(journal: Journal, campaign: str, needs: Collection[str]) -> list[RoundSummary]:
    """The closed rounds of a campaign, as rules see them.

    Args:
        journal: where they stand.
        campaign: name inside the journal.
        needs: as rules declare them; without any the stored evidence is not read.
    """
    found: list[RoundSummary] = []
    seconds = 0.0
    for record in journal.rounds(campaign):
        if not record.closed:
            continue
        seconds += sum(record.seconds.values())
        validation = {
            name.removeprefix(VALIDATION): value
            for name, value in record.metrics.items()
            if name.startswith(VALIDATION)
        }
        evidence: dict[str, Any] = journal.meta(_key(campaign, record.number), {}) if needs else {}
        found.append(
            RoundSummary.of(labels=record.labels or 0, validation=validation, seconds=seconds, evidence=evidence)
        )
    return found


def needs_of(rules: Sequence[Stopping]) -> frozenset[str]:
    """What must be looked at for these rules."""
    return frozenset(need for rule in rules for need in rule.needs())


def standing(rules: Sequence[Stopping], rounds: Sequence[RoundSummary]) -> dict[str, Verdict]:
    """Where each rule stands, by its name; two rules of one name are told apart by a number."""
    said: dict[str, Verdict] = {}
    for rule in rules:
        twins = sum(other.partition(" ")[0] == rule.name for other in said)
        said[f"{rule.name} {twins + 1}" if twins else rule.name] = rule.judge(rounds)
    return said


def _key(campaign: str, number: int) -> str:
    return f"stopping/{campaign}/{number}"
