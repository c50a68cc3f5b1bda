"""One campaign: a session and a simulated oracle, until a rule says stop. Goes on wherever its journal ends."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from querist.loop.progress import Listener, RoundEnded, Stage, silent
from querist.loop.session import Session
from querist.oracles.base import Oracle
from querist.stopping.base import RoundSummary, Stopping
from querist.stopping.budget import Budget
from querist.storage.journal import Round

VALIDATION = "validation/"
"""Prefix of metrics on validation rows in the journal; the others are on the test rows."""


class Pace:
    """How far a whole run is, and how long it will still take.

    Args:
        total: labels that all campaigns together may spend.
        done: labels that a resumed run finds spent.
    """

    def __init__(self, total: int, done: int = 0) -> None:
        self._total, self._first, self._done = total, done, done
        self._started = time.perf_counter()

    def spend(self, labels: int) -> tuple[float, float]:
        """Count ``labels`` more; the share of the run that is done, and the seconds that are left."""
        self._done += labels
        fresh = max(self._done - self._first, 1)
        seconds = (time.perf_counter() - self._started) / fresh * (self._total - self._done)
        return self._done / self._total, max(seconds, 0.0)

    def forgo(self, labels: int) -> None:
        """A campaign stopped with so many labels unspent."""
        self._total -= labels


def run_campaign(
    session: Session,
    oracle: Oracle,
    *,
    arm: str,
    initial: int,
    batch: int,
    budget: int,
    metric: str,
    stopping: Sequence[Stopping] = (),
    validation: bool = False,
    pace: Pace | None = None,
    listener: Listener = silent,
) -> str:
    """Ask, label, fit and measure, round after round. Returns why it stopped.

    Each step is recorded before the next begins, so calling this with a replayed session does what is left of the
    open round and goes on.

    Args:
        session: fresh or replayed.
        oracle: answers queries.
        arm: name for progress.
        initial: rows of the first round.
        batch: rows of each further round.
        budget: labels on the bill at the end.
        metric: what progress shows.
        stopping: rules besides the budget.
        validation: whether validation metrics are measured, for the rules.
        pace: time and share of the whole run.
        listener: gets progress.
    """
    counted = labels_spent(session.journal.rounds(session.campaign))
    pace = pace or Pace(budget, counted)

    def stage(text: str, share: float) -> None:
        listener(Stage(arm=arm, seed=session.seed, text=text, share=share))

    while True:
        pending = session.pending
        if len(pending):
            said = oracle.answers(pending, given={row: session.state.answers(row) for row in pending.tolist()})
            session.tell(
                [answer.row for answer in said],
                [answer.label for answer in said],
                annotator=[answer.annotator for answer in said],
            )
        if session.round_is_open:
            session.fit(progress=lambda share: stage("training", share))
            stage("measuring", 0.0)
            metrics = session.evaluate("test")
            if validation:
                held_out = session.evaluate("validation")
                metrics |= {VALIDATION + name: value for name, value in held_out.items()}
            session.close_round(metrics)
            done, left = pace.spend(session.labels - counted)
            counted = session.labels
            listener(
                RoundEnded(
                    arm=arm,
                    seed=session.seed,
                    round=session.round,
                    labels=session.labels,
                    budget=budget,
                    metric=metric,
                    value=metrics[metric],
                    done=done,
                    seconds_left=left,
                )
            )
        reason = why_stop(session, budget, stopping, votes=oracle.votes)
        if reason is not None:
            pace.forgo(budget - session.labels)
            return reason
        first = session.round < 0
        session.ask(
            min(initial if first else batch, (budget - session.labels) // oracle.votes, open_rows(session)),
            progress=lambda share: stage("choosing", share),
        )


def labels_spent(rounds: Iterable[Round]) -> int:
    """Labels on the bill when the last of these rounds was closed."""
    return max((record.labels or 0 for record in rounds if record.closed), default=0)


def open_rows(session: Session) -> int:
    """Rows that may be asked for, for the first time or again."""
    return len(session.unlabelled) + len(session.open_again)


def why_stop(session: Session, budget: int, stopping: Sequence[Stopping], *, votes: int = 1) -> str | None:
    """Why the campaign is over, or ``None`` if it goes on. A row costs ``votes`` labels."""
    if session.round < 0:
        return None
    spent = Budget(labels=budget).reason([RoundSummary(labels=session.labels)])
    if spent is not None:
        return spent
    if not open_rows(session):
        return "every row is labelled"
    if budget - session.labels < votes:
        return f"{budget - session.labels} of {budget} labels are left, and a row takes {votes}"
    if not stopping:
        return None
    rounds = [
        RoundSummary(
            labels=record.labels or 0,
            validation={
                name.removeprefix(VALIDATION): value
                for name, value in record.metrics.items()
                if name.startswith(VALIDATION)
            },
        )
        for record in session.journal.rounds(session.campaign)
        if record.closed
    ]
    for rule in stopping:
        reason = rule.reason(rounds)
        if reason is not None:
            return reason
    return None
