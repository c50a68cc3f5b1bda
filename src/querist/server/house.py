"""The house: all services of one project together, and who may use them. What routes reach through ``request``."""

from __future__ import annotations

from dataclasses import dataclass

from querist.server.services.acts import Rules
from querist.server.services.clock import Clock
from querist.server.services.desk import Desk
from querist.server.services.doorman import Doorman
from querist.server.services.pictures import Pictures
from querist.server.services.project import Project
from querist.server.services.queue import Queue
from querist.server.services.showing import Showing


@dataclass(frozen=True, kw_only=True)
class House:
    """One project with its services.

    Args:
        project: settings, pool, task and journal.
        doorman: who is there.
        desk: takes answers.
        queue: hands rows out.
        showing: what rows look like.
        pictures: the process that decodes; closed with the house.
        rules: how rows are handed out.
    """

    project: Project
    doorman: Doorman
    desk: Desk
    queue: Queue
    showing: Showing
    pictures: Pictures
    rules: Rules

    @classmethod
    def of(cls, project: Project, *, alone: str | None = None) -> House:
        """The services of a project.

        Args:
            project: that is open.
            alone: the one person who works on this machine; ``None`` where people have names and tokens.
        """
        settings, journal, clock = project.settings, project.journal, Clock()
        rules = Rules(suggest=settings.suggest, held_out_share=settings.held_out)
        desk = Desk(journal, rules, clock, project.check)
        pictures = Pictures(project.pool, project.root)
        return cls(
            project=project,
            doorman=Doorman(journal, alone=alone),
            desk=desk,
            queue=Queue(journal, rules, clock, desk),
            showing=Showing(journal, project.pool, pictures),
            pictures=pictures,
            rules=rules,
        )

    def close(self) -> None:
        """End the process that decodes. The project is closed by whoever opened it."""
        self.pictures.close()
