"""The table that a round chooses from: computed by the session's own model, or brought by a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from querist.core.errors import DataError
from querist.core.rng import child_seed, numpy_generator
from querist.loop.agreed import votes_of
from querist.loop.cold_start import raw_as_embeddings
from querist.strategies.base import Strategy
from querist.views.answers import Answers
from querist.views.base import View
from querist.views.raw import Raw
from querist.views.snapshot import Snapshot

if TYPE_CHECKING:
    from querist.loop.session import Session


def computed(
    session: Session, strategy: Strategy, *, k: int, progress: Callable[[float], None] | None = None
) -> Snapshot:
    """The table of the next round, with the views that ``strategy`` declares (raw inputs, where nothing is labelled).

    Args:
        session: whose model answers; it is trained first if labels were told and it never was.
        strategy: who will choose.
        k: rows that will be asked; at least as many are scored.
        progress: called with the share done.
    """
    number = session.round + 1
    cold = not len(session.state)
    views: tuple[View, ...] = strategy.needs_for(session.task.kind)
    if cold and views:
        views = (Raw(),)
    if views and not cold and not session.adapter.version:
        session.fit()
    candidates = session.unlabelled
    if session.candidates is not None and session.candidates < len(candidates):
        size = max(session.candidates, k)
        chosen = numpy_generator(session.seed, "candidates", number).choice(len(candidates), size, replace=False)
        candidates = candidates[np.sort(chosen)]
    labelled = session.state.rows
    classes = session.task.kind == "classification"
    targets = [session.task.encode(session.state.label(row)) for row in labelled.tolist()]
    snapshot = session.viewer.snapshot(
        views,
        adapter=session.adapter if views else None,
        candidates=candidates,
        labelled=labelled,
        again=session.open_again,
        labels=targets if classes else (),
        votes=votes_of(session.state, session.task) if classes and Answers() in views else None,
        seed=child_seed(session.seed, "views", number),
        progress=progress,
    )
    return raw_as_embeddings(snapshot) if cold and views else snapshot


def refuse_closed_rows(session: Session, snapshot: Snapshot) -> None:
    """A table that a person made must offer rows that are still open.

    Raises:
        DataError: it offers one that is labelled, skipped or unknown.
    """
    offered = snapshot.rows[snapshot.at.candidates.numpy(force=True)]
    closed = offered[~np.isin(offered, session.unlabelled) & ~np.isin(offered, session.open_again)]
    if len(closed):
        row = int(closed[0])
        state = "is labelled already" if row in session.state else f"is no open row of {session.pool.name}"
        raise DataError(
            f"the snapshot offers row {row}, which {state}",
            hint="name labelled rows with labelled=, and give pool ids as rows=",
        )
