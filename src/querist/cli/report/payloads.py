"""A payload as HTML: a small picture, the start of a text, a sentence with its tags, the values of a table row."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from querist.cli.report.markup import Markup, join, tag
from querist.cli.summary import number

SIDE = 128
"""Longest side of a picture, in pixels; larger ones are made smaller."""
LETTERS, TOKENS, VALUES = 280, 60, 16


def shown(payload: Any, modality: str, label: Any = None) -> Markup:
    """The payload as an element."""
    if payload is None:
        return tag("p", "not readable any more", class_="faint")
    if modality == "image":
        return picture(np.asarray(payload), str(label))
    if modality == "tokens":
        return sentence(payload, label)
    if modality == "table":
        return values(np.asarray(payload))
    text = str(payload)
    return tag("p", text if len(text) <= LETTERS else f"{text[:LETTERS].rstrip()} …", class_="text")


def picture(pixels: np.ndarray, name: str) -> Markup:
    """An image inside the page: as PNG where it is small, so that its pixels stay sharp, else as JPEG.

    Args:
        pixels: ``uint8 [h w]`` or ``[h w 3]``.
        name: said where the picture cannot be seen.
    """
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((SIDE, SIDE))
    small = max(image.size) <= SIDE // 2
    stream = io.BytesIO()
    if small:
        image.save(stream, "PNG", optimize=True)
    else:
        image.convert("RGB").save(stream, "JPEG", quality=82)
    kind = "png" if small else "jpeg"
    data = base64.b64encode(stream.getvalue()).decode("ascii")
    return tag(
        "img",
        src=f"data:image/{kind};base64,{data}",
        alt=f"picture labelled {name}",
        class_="pixels" if small else None,
        width=image.size[0],
        height=image.size[1],
        loading="lazy",
    )


def sentence(tokens: Sequence[str], tags: Sequence[str] | None) -> Markup:
    """Tokens with their tags; those outside every entity are plain."""
    tags = tags if tags is not None and len(tags) == len(tokens) else ["O"] * len(tokens)
    words = []
    for token, name in list(zip(tokens, tags, strict=True))[:TOKENS]:
        words.append(join(token, " ") if name == "O" else join(tag("mark", token, tag("sub", name)), " "))
    rest = len(tokens) - TOKENS
    return tag("p", *words, f"… {rest} more" if rest > 0 else None, class_="text")


def values(row: np.ndarray) -> Markup:
    """The first values of a table row, by place."""
    cells = [join(tag("dt", str(place)), tag("dd", number(float(value)))) for place, value in enumerate(row[:VALUES])]
    rest = len(row) - VALUES
    return join(
        tag("dl", *(tag("div", cell) for cell in cells), class_="values"),
        tag("p", f"and {rest} more", class_="faint") if rest > 0 else None,
    )
