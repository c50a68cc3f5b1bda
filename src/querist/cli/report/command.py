"""``querist report``: the report again, from the journal."""

from __future__ import annotations

from querist.cli.console import print_json
from querist.cli.options import Json, RunFolder


def report(run: RunFolder, json: Json = False) -> None:
    """Write report.html again, from the journal."""
    from querist.cli.report.page import write_report
    from querist.loop.run import load_result

    file = write_report(load_result(run))
    if json:
        print_json({"run": str(run), "report": str(file)})
    else:
        print(file)
