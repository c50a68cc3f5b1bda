"""The trainer: fits the model to the answers so far, ranks what is left, and publishes the ranking whole.

It works beside the people: it reads the journal, computes for as long as that takes, and holds the write lock only
for the moment in which a finished ranking is stored. If it dies in between, the ranking before still holds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from querist.core.errors import QueristError
from querist.core.events import ActUndone, FlagLowered, LabelGiven
from querist.core.rng import child_seed
from querist.loop.advisor import situation_of
from querist.loop.cold_start import initial_strategy
from querist.loop.session import Session
from querist.loop.table import computed
from querist.models import default_model, make_model
from querist.pool.labels import LabelState
from querist.server.services.acts import HELD_OUT, MAIN
from querist.server.services.progress import wilson
from querist.server.services.project import Project
from querist.storage.journal import Pick
from querist.storage.ranking import current, publish
from querist.strategies.base import Picks

COUNTED = (LabelGiven, ActUndone, FlagLowered)
"""Events that change what a model would learn, or what may be asked."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One training and its ranking.

    Args:
        number: of the ranking.
        labels: rows that were learned from.
        ranked: rows that were ranked.
        metrics: of the model on the slice that measures.
        seconds: training, and everything.
        note: what a person should know.
    """

    number: int
    labels: int
    ranked: int
    metrics: dict[str, float]
    seconds: dict[str, float]
    note: str = ""


class Trainer:
    """Trains and ranks for one project.

    Args:
        project: that is open; its pool is not changed.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        settings = project.settings
        # Rows that measure are offered to no strategy and no training: here they are test rows.
        held = set(project.held_out.tolist())
        keys = project.pool.keys()
        splits = ["test" if row in held else project.pool.split(row) for row in range(len(keys))]
        self._pool = project.pool.align(keys, splits)
        model = settings.model or default_model(self._pool, project.task)
        self._adapter = make_model(model, self._pool, project.task)
        self._prepared = False

    def due(self) -> bool:
        """Whether enough was said since the ranking that holds; and before the first one always."""
        with self._project.journal.reading() as connection:
            now = current(connection, MAIN)
        if now is None:
            return True
        fresh = sum(isinstance(event, COUNTED) for event in self._project.journal.events(campaign=MAIN, after=now[2]))
        return fresh >= self._project.settings.retrain_every

    def cycle(self) -> Outcome:
        """Train on all that is known now, measure, rank and publish.

        Raises:
            QueristError: the model could not be trained; the ranking before still holds.
        """
        started = time.perf_counter()
        settings, journal = self._project.settings, self._project.journal
        if not self._prepared:
            self._adapter.prepare(self._pool, self._project.task)
            self._prepared = True
        session = Session(
            self._pool,
            model=self._adapter,
            task=self._project.task,
            strategy=settings.strategy,
            seed=settings.seed,
            journal=journal,
            campaign=MAIN,
            candidates=settings.candidates,
            initial=settings.initial_strategy,
        )
        through, seconds, metrics = session.ledger.last_seq, {}, {}
        if len(session.state):
            seconds["train"] = session.fit().seconds
            metrics = self._measured()
        picks, note = self._picks(session)
        seconds["total"] = time.perf_counter() - started
        version = self._adapter.version if len(session.state) else ""
        if len(session.state):
            number, is_open = session.round, session.round_is_open
            if number < 0:  # people were faster than the first ranking; their labels are measured all the same
                with journal.writing() as connection:
                    number = publish(connection, MAIN, [], model_version="", through=0, guesses={})
                is_open = True
            if is_open:
                journal.close_round(
                    MAIN,
                    number,
                    labels=session.labels,
                    metrics=metrics,
                    seconds=seconds,
                    model_version=version,
                    trained_through=through,
                )
        ranked = [
            Pick(row=int(row), reason=reason, order=order)
            for order, (row, reason) in enumerate(zip(picks.rows, picks.reasons, strict=True))
        ]
        guesses = self._guesses(picks.rows) if version else {}
        with journal.writing() as connection:
            number = publish(connection, MAIN, ranked, model_version=version, through=through, guesses=guesses)
        return Outcome(
            number=number,
            labels=len(session.state),
            ranked=len(ranked),
            metrics=metrics,
            seconds=seconds,
            note=note,
        )

    def _picks(self, session: Session) -> tuple[Picks, str]:
        """What the strategy wants next; at random where it cannot say, because labelling goes on in any case."""
        settings, k = self._project.settings, min(self._project.settings.ranked, len(session.unlabelled))
        if k == 0:
            return Picks(rows=np.empty(0, np.int64), positions=_none(), reasons=()), "no row is left to ask for"
        seed = child_seed(settings.seed, "ask", session.round + 1)
        strategy, note = session.strategy, ""
        if not len(session.state):
            strategy = initial_strategy(settings.initial_strategy)
        elif session.advisor is not None:
            # People get as far down the list as the next training lets them: that is the batch.
            advice = session.advisor.advise(situation_of(session, k=min(k, settings.retrain_every)))
            strategy, note = advice.made(), f"{advice.strategy} chooses, because {advice.why}"
        try:
            return strategy.choose(computed(session, strategy, k=k), k=k, seed=seed), note
        except QueristError as error:
            note = f"rows are drawn at random, because {type(strategy).__name__} cannot choose: {error}"
        chance = initial_strategy("random")
        return chance.choose(computed(session, chance, k=k), k=k, seed=seed), note

    def _measured(self) -> dict[str, float]:
        """The model on the rows that measure, with an interval for the accuracy; nothing before there are any."""
        state = LabelState(self._project.journal.events(campaign=HELD_OUT))
        rows = state.rows
        if not len(rows):
            return {}
        answers, offsets = self._adapter.predict(self._pool, rows)
        metrics = self._project.task.evaluate(answers, offsets, [state.label(row) for row in rows.tolist()])
        if "accuracy" in metrics and self._project.task.kind == "classification":
            low, high = wilson(round(metrics["accuracy"] * len(rows)), len(rows))
            metrics |= {"accuracy_low": low, "accuracy_high": high}
        return metrics | {"measured_on": float(len(rows))}

    def _guesses(self, rows: np.ndarray) -> dict[int, Any]:
        """What the model thinks of some rows."""
        if not len(rows):
            return {}
        answers, offsets = self._adapter.predict(self._pool, rows)
        labels = self._project.task.decide(answers, offsets)
        guesses: dict[int, Any] = {int(row): {"label": label} for row, label in zip(rows.tolist(), labels, strict=True)}
        if self._project.task.kind == "classification":
            for row, confidence in zip(rows.tolist(), answers.max(-1).values.tolist(), strict=True):
                guesses[row]["confidence"] = round(confidence, 4)
        return guesses


def _none() -> Any:
    import torch

    return torch.empty(0, dtype=torch.long)
