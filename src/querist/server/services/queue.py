"""The queue: which rows a window gets to see next, held for it by leases that end by themselves."""

from __future__ import annotations

from querist.core.errors import UsageError
from querist.server.services.acts import HELD_OUT, MAIN, Handed, Rules
from querist.server.services.clock import Clock
from querist.server.services.desk import Desk
from querist.storage import answers as book
from querist.storage import leases, ranking
from querist.storage.answers import Item
from querist.storage.journal import Connection, Journal
from querist.storage.leases import Lease


class Queue:
    """Hands rows out.

    Args:
        journal: where leases stand.
        rules: how many, and for how long.
        clock: leases end by it.
        desk: knows what may be suggested.
    """

    def __init__(self, journal: Journal, rules: Rules, clock: Clock, desk: Desk) -> None:
        self._journal = journal
        self._rules = rules
        self._clock = clock
        self._desk = desk
        with journal.writing() as connection:
            leases.end_leases(connection, before=clock.now())
            leases.shorten_leases(connection, until=clock.now() + rules.lease_s)

    def take(self, who: str, client: str, count: int) -> list[Handed]:
        """What the window holds, filled up to ``count`` rows. Asking again gives the same rows again.

        Fewer come back where fewer are left. The rows of the ranking come first, mixed with those that only measure;
        nobody is told which these are.

        Raises:
            UsageError: ``count`` is none that a window may hold.
        """
        if not 1 <= count <= self._rules.most_leases:
            raise UsageError(f"{count} rows were asked for", hint=f"ask for 1 to {self._rules.most_leases}")
        with self._journal.writing() as connection:
            until = self._clock.now() + self._rules.lease_s
            leases.end_leases(connection, before=self._clock.now())
            leases.renew(connection, who, client, until)
            held = leases.leases_of(connection, who, client=client)
            while len(held) < count:
                lease = self._next(connection, who, client, until)
                if lease is None:
                    break
                leases.hold(connection, lease)
                held.append(lease)
            return self._handed(connection, held[:count], until)

    def heartbeat(self, who: str, client: str) -> tuple[int, float]:
        """Hold what the window has for another while; how many rows that are, and until when."""
        with self._journal.writing() as connection:
            leases.end_leases(connection, before=self._clock.now())
            until = self._clock.now() + self._rules.lease_s
            return leases.renew(connection, who, client, until), until

    def release(self, who: str, client: str) -> int:
        """Give back what the window holds, and count it."""
        with self._journal.writing() as connection:
            return leases.release(connection, who, client=client)

    def _next(self, connection: Connection, who: str, client: str, until: float) -> Lease | None:
        for campaign in self._campaigns(connection):
            now = ranking.current(connection, campaign)
            number = None if now is None else now[0]
            for item in leases.next_items(connection, campaign, who, number=number, limit=1):
                return Lease(
                    row=item.row,
                    annotator=who,
                    campaign=campaign,
                    client=client,
                    until=until,
                    suggestion_seen=self._shown_before(connection, item) is not None,
                    model_version="" if now is None else now[1],
                )
        return None

    def _campaigns(self, connection: Connection) -> tuple[str, str]:
        """Which slice is due first: the one that measures, while it is behind its share."""
        held = leases.leased_counts(connection)
        given = {}
        for campaign in (MAIN, HELD_OUT):
            counted = book.tallies(connection, campaign)
            given[campaign] = held.get(campaign, 0) + sum(counted.get(kind, 0) for kind in book.OPINIONS)
        behind = given[HELD_OUT] < self._rules.held_out_share * (given[MAIN] + given[HELD_OUT])
        return (HELD_OUT, MAIN) if behind else (MAIN, HELD_OUT)

    def _shown_before(self, connection: Connection, item: Item) -> object:
        return self._desk.suggestion(connection, item) if self._rules.suggest == "before" else None

    def _handed(self, connection: Connection, held: list[Lease], until: float) -> list[Handed]:
        """Leases as people see them; a few statements for all of them together."""
        rows = [lease.row for lease in held]
        versions = book.versions(connection, held[0].annotator, rows) if held else {}
        reasons: dict[int, str] = {}
        for campaign in {lease.campaign for lease in held}:
            now = ranking.current(connection, campaign)
            if now is not None:
                reasons |= ranking.reasons_of(connection, campaign, now[0], rows)
        return [
            Handed(
                row=lease.row,
                until=until,
                # The slice that measures is asked at random, and so says that of it, like any row outside the ranking.
                reason=reasons.get(lease.row) or "drawn at random",
                base_seq=versions.get(lease.row, 0),
                suggestion=self._still_shown(connection, lease),
                model_version=lease.model_version,
            )
            for lease in held
        ]

    def _still_shown(self, connection: Connection, lease: Lease) -> object:
        item = book.find_item(connection, lease.row) if lease.suggestion_seen else None
        return None if item is None else self._shown_before(connection, item)
