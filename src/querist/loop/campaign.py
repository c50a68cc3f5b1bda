"""One campaign: a session and a simulated oracle, until a rule says stop. Goes on wherever its journal ends."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

import numpy as np

from querist.loop.evidence import VALIDATION, guesses, keep, looked_at, needs_of, standing, summaries
from querist.loop.progress import Advised, Listener, RoundEnded, Stage, silent
from querist.loop.session import Session
from querist.oracles.base import Oracle
from querist.stopping.base import GUESSES, RoundSummary, Stopping, Verdict
from querist.stopping.budget import Budget
from querist.storage.journal import Round


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
    stop_set: np.ndarray | None = None,
    record: Collection[str] = (),
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
        stopping: rules besides the budget; the first that says stop ends the campaign.
        stop_set: rows that models are compared on, for rules that need it.
        record: what is looked at besides what the rules need, for rules that are tried afterwards.
        validation: whether validation metrics are measured, for the rules.
        pace: time and share of the whole run.
        listener: gets progress.
    """
    counted = labels_spent(session.journal.rounds(session.campaign))
    pace = pace or Pace(budget, counted)
    advised = ""

    def stage(text: str, share: float) -> None:
        listener(Stage(arm=arm, seed=session.seed, text=text, share=share))

    rules = with_budget(budget, stopping)
    rows = np.empty(0, dtype=np.int64) if stop_set is None else stop_set
    needs = needs_of(rules) | set(record)
    while True:
        pending = session.pending
        if len(pending):
            said = oracle.answers(pending, given={row: session.state.answers(row) for row in pending.tolist()})
            session.tell(
                [answer.row for answer in said],
                [answer.label for answer in said],
                annotator=[answer.annotator for answer in said],
            )
        ended = session.round_is_open
        if ended:
            guessed = guesses(session) if GUESSES in needs else None  # by the model that asked, so before training
            session.fit(progress=lambda share: stage("training", share))
            stage("measuring", 0.0)
            metrics = session.evaluate("test")
            if validation:
                held_out = session.evaluate("validation")
                metrics |= {VALIDATION + name: value for name, value in held_out.items()}
            seen = replace(looked_at(session, rows, needs), guesses=guessed)
            keep(session.journal, session.campaign, session.round, seen)
            session.close_round(metrics)
        rounds = summaries(session.journal, session.campaign, needs_of(rules))
        if ended:
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
                    stands=stands(rules, rounds),
                )
            )
        reason = why_stop(session, rules, rounds, votes=oracle.votes)
        if reason is not None:
            pace.forgo(budget - session.labels)
            return reason
        session.ask(
            min(initial if session.round < 0 else batch, room(session, rules, rounds, votes=oracle.votes)),
            progress=lambda share: stage("choosing", share),
        )
        if session.advice is not None and session.advice.strategy != advised:
            advised = session.advice.strategy
            listener(
                Advised(arm=arm, seed=session.seed, labels=session.labels, strategy=advised, why=session.advice.why)
            )


def with_budget(budget: int, stopping: Sequence[Stopping]) -> tuple[Stopping, ...]:
    """The rules, and the budget of labels before them if none of them is a budget."""
    rules = tuple(stopping)
    return rules if any(isinstance(rule, Budget) for rule in rules) else (Budget(labels=budget), *rules)


def labels_spent(rounds: Iterable[Round]) -> int:
    """Labels on the bill when the last of these rounds was closed."""
    return max((record.labels or 0 for record in rounds if record.closed), default=0)


def why_stop(
    session: Session, rules: Sequence[Stopping], rounds: Sequence[RoundSummary], *, votes: int = 1
) -> str | None:
    """Why the campaign is over, or ``None`` if it goes on. A row costs ``votes`` labels."""
    if session.round < 0:
        return None
    for verdict in standing(rules, rounds).values():
        if verdict.stop:
            return verdict.text
    if not open_rows(session):
        return "every row is labelled"
    if not room(session, rules, rounds, votes=votes):
        return f"{_affordable(session, rules, rounds)} labels are left, and a row takes {votes}"
    return None


def room(session: Session, rules: Sequence[Stopping], rounds: Sequence[RoundSummary], *, votes: int = 1) -> int:
    """Rows that may still be asked for under every rule."""
    affordable, rows = _affordable(session, rules, rounds), open_rows(session)
    return rows if affordable is None else min(rows, affordable // votes)


def open_rows(session: Session) -> int:
    """Rows that may be asked for, for the first time or again."""
    return len(session.unlabelled) + len(session.open_again)


def _affordable(session: Session, rules: Sequence[Stopping], rounds: Sequence[RoundSummary]) -> int | None:
    """Labels that may still be bought under every rule; ``None`` if no rule counts them."""
    rooms = [rule.room(rounds or [RoundSummary(labels=session.labels)]) for rule in rules]
    return min((each for each in rooms if each is not None), default=None)


def stands(rules: Sequence[Stopping], rounds: Sequence[RoundSummary]) -> dict[str, Verdict]:
    """Where the rules stand that a person would ask about: a budget of labels alone is seen anyway."""
    return standing([rule for rule in rules if not (isinstance(rule, Budget) and rule.of_labels_alone)], rounds)
