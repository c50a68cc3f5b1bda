"""Keeping a session's model, and getting it back.

Labels and open picks are a fold of events, which the ledger does by itself. The model is either read from the
weights that the last closed round left, or trained again: a cold-started training is a function of the labels and
the round's seed, so both give the same weights.
"""

from __future__ import annotations

from shutil import rmtree
from typing import TYPE_CHECKING

from querist.core.errors import JournalError

if TYPE_CHECKING:
    from querist.loop.session import Session


def keep_weights(session: Session) -> None:
    """Write the open round's weights, and forget those before the last two: one may be half a kill old."""
    if session.weights is None or not session.adapter.storable or not session.adapter.version:
        return
    session.adapter.save(session.weights / f"round-{session.round}")
    for folder in session.weights.glob("round-*"):
        if int(folder.name.removeprefix("round-")) < session.round - 1:
            rmtree(folder)


def restore_model(session: Session) -> None:
    """Give ``session`` the model that its last closed round ended with.

    Raises:
        JournalError: the weights are gone, and each round went on from those before (warm start).
    """
    last = session.ledger.last_closed()
    if last is None or not last.model_version:
        return
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
    session.train(session.ledger.state_through(last.trained_through), round_number=last.number)
