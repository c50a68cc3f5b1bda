"""Rebuilding a session's model from its journal.

Labels and open picks are a fold of events, which the session does by itself. Its model is either read from the
weights that the last closed round left, or trained again: a cold-started training is a function of the labels and
the round's seed, so both give the same weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from querist.core.errors import JournalError
from querist.pool.labels import LabelState

if TYPE_CHECKING:
    from querist.loop.session import Session
    from querist.storage.journal import Round


def restore_model(session: Session) -> None:
    """Give ``session`` the model that its last closed round ended with.

    Raises:
        JournalError: the weights are gone, and each round went on from those before (warm start).
    """
    closed = [record for record in session.journal.rounds(session.campaign) if record.closed]
    if not closed or not closed[-1].model_version:
        return
    last = closed[-1]
    folder = None if session.weights is None else session.weights / f"round-{last.number}"
    if folder is not None and folder.is_dir():
        session.adapter.load(folder)
        if session.adapter.version == last.model_version:
            return
    if not session.adapter.refits:
        raise JournalError(
            f"the weights of round {last.number} are gone and cannot be trained again, because each round went on "
            "from the one before",
            hint="start a new run",
        )
    _train_again(session, last)


def _train_again(session: Session, last: Round) -> None:
    """Train what round ``last`` trained, on the labels that were known when it closed."""
    number, state = session.round, session.state
    session.round, session.state = last.number, state_when_trained(session, last)
    try:
        session.fit()
    finally:
        session.round, session.state = number, state
    # What this cost is not what the open round costs.
    session.seconds = dict.fromkeys(session.seconds, 0.0)


def state_when_trained(session: Session, closed: Round) -> LabelState:
    """Label state that the round's training knew."""
    state = LabelState()
    for event in session.journal.events(campaign=session.campaign):
        if event.seq is not None and event.seq <= closed.trained_through:
            state.apply(event)
    return state
