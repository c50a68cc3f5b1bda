"""Options that several commands share, said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder that 'querist run' wrote.", show_default=False)]
Text = Annotated[str | None, typer.Option(help="Column of texts.", show_default=False)]
Label = Annotated[str | None, typer.Option(help="Column of labels.", show_default=False)]
Split = Annotated[str | None, typer.Option(help="Column of splits.", show_default=False)]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave out files that cannot be read, and say which.")]
