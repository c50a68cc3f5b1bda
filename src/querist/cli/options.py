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

# Arrays that were computed elsewhere. FILE:NAME names an array of an npz archive, or a column of a Parquet file.
Strategy = Annotated[str, typer.Option(help="Who chooses; 'querist strategies' lists them.", show_default=False)]


def _array(text: str) -> typer.models.OptionInfo:
    return typer.Option(metavar="FILE", help=text.replace("[", r"\["), show_default=False)


Embeddings = Annotated[str | None, _array("One vector a row, [n d].")]
Probs = Annotated[str | None, _array("Class probabilities, [n c].")]
Logits = Annotated[str | None, _array("Scores before the softmax, [n c], in the place of --probs.")]
ProbSamples = Annotated[str | None, _array("Probabilities of several drawn networks, [s n c], samples first.")]
Predictions = Annotated[str | None, _array("Values of a regression, [n].")]
PredictionSamples = Annotated[str | None, _array("Values of several drawn networks, [s n], samples first.")]
Perturbations = Annotated[str | None, _array("Length of the smallest change that flips each row's guess, [n].")]
Head = Annotated[
    str | None, _array("Weights of the last layer on the embeddings, the bias as the last column, [c d+1].")
]
Target = Annotated[str | None, _array("Embeddings of the rows that matter most, [q d], for targeted strategies.")]
Labelled = Annotated[
    str | None, _array("Rows whose labels are known, counted from 0: txt with one on each line, csv, npy, Parquet.")
]
Labels = Annotated[str | None, _array("Their classes, counted from 0, in the same order; or one a row, -1 for none.")]
Answers = Annotated[
    str | None, _array("Who said what: a class counted from 0, or -1, with an annotator in each column.")
]
Overlap = Annotated[
    int,
    typer.Option(help="Rows with fewer answers may be picked again, where the strategy chooses between new and old."),
]
Candidates = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|N", help="Rows that may be picked; a number for a random N of them.", show_default=False
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="OPTION=VALUE", help="An option of the strategy's own; may be given several times."),
]
Draws = Annotated[int, typer.Option("--seed", help="Breaks ties, and draws where the strategy draws.")]
MemoryMb = Annotated[
    float | None,
    typer.Option(help="Megabytes that may be taken beside the tables; as many as are useful if not given."),
]
