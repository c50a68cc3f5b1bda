"""The labels of a project as records that any format can be written from: those that teach and those that measure."""

from __future__ import annotations

from collections.abc import Iterator

from querist.pool.labels import LabelState
from querist.server.services.acts import HELD_OUT, MAIN
from querist.server.services.project import Project
from querist.storage.formats.base import LabelRecord
from querist.storage.labels_file import label_records

MEASURES = "test"
"""The split of rows that measure: a model that learns from them has nothing left to be measured on."""


def records(project: Project) -> Iterator[LabelRecord]:
    """What most annotators say of each labelled row, by row, with who said so and why it was asked."""
    state = LabelState()
    for campaign in (MAIN, HELD_OUT):
        for event in project.journal.events(campaign=campaign):
            state.apply(event)
    held = set(project.held_out.tolist())
    given = ((row, state.label(row), tuple(state.answers(row))) for row in state.rows.tolist())
    pool = project.pool
    return label_records(
        project.journal,
        MAIN,
        given,
        key=pool.key,
        split=lambda row: MEASURES if row in held else pool.split(row) or "",
        payload=lambda row: pool[row] if pool.modality in ("text", "tokens") else None,
    )
