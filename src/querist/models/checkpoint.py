"""A pretrained checkpoint in the format of transformers: a folder, or a name on the Hugging Face hub."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn

from querist.core.errors import DataError
from querist.core.optional import require


class Checkpoint:
    """Where weights, and the way to read payloads for them, come from.

    Args:
        source: a folder with ``config.json``, weights, and a tokenizer or image processor; or a name on the hub.

    Raises:
        MissingExtra: transformers is not installed.
        DataError: no such folder, or no checkpoint in it.
    """

    def __init__(self, source: str | Path) -> None:
        self._library = require("transformers", extra="hf")
        text = str(source)
        folder = Path(text).expanduser()
        # A name on the hub has no more than one slash, and none of these starts.
        if folder.is_dir() or folder.is_absolute() or text.startswith((".", "~")) or text.count("/") > 1:
            if not folder.is_dir():
                raise DataError(f"there is no checkpoint folder {text}", hint="give a folder or a name on the hub")
            if not (folder / "config.json").is_file():
                raise DataError(f"{text} holds no checkpoint, it has no config.json")
            text = str(folder)
        self.source = text

    @cached_property
    def config(self) -> Any:
        """Facts about the network."""
        return self._read("AutoConfig")

    @cached_property
    def image_processor(self) -> Any:
        """What resizes images for the network, by Pillow on every machine."""
        return self._read("AutoImageProcessor", backend="pil")

    @cached_property
    def tokenizer(self) -> Any:
        """What cuts texts into the pieces that the network knows, padded at the end."""
        tokenizer = self._read("AutoTokenizer")
        tokenizer.padding_side = "right"
        if tokenizer.pad_token is None:
            # Padding is masked, so any piece will do.
            tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
        return tokenizer

    def longest(self, most: int) -> int:
        """Pieces of a text that the network reads, at most ``most``."""
        # Position tables of some networks have two places in reserve for padding.
        places = getattr(self.config, "max_position_embeddings", most + 2) - 2
        return max(4, min(most, self.tokenizer.model_max_length, places))

    def network(self, kind: str, **options: Any) -> nn.Module:
        """The network as the class ``kind`` of transformers, in float32; heads that it lacks are drawn.

        Raises:
            DataError: no weights, or weights of another kind of network.
        """
        module, found = self._read(kind, dtype=torch.float32, output_loading_info=True, **options)
        drawn, tensors = len(found["missing_keys"]), len(module.state_dict())
        if drawn > tensors / 2:
            raise DataError(f"the weights in {self.source} are of another network: {drawn} of {tensors} are missing")
        loaded: nn.Module = module
        return loaded

    def _read(self, kind: str, **options: Any) -> Any:
        try:
            with _quiet():
                return getattr(self._library, kind).from_pretrained(self.source, **options)
        except (OSError, ValueError, KeyError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            hint = "" if os.path.isdir(self.source) else "download it once with a network, or give a folder"
            raise DataError(f"cannot read the {kind} of {self.source}: {reason}", hint=hint) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars and notes of transformers: each round loads the checkpoint, and ours are on the screen."""
    logging = require("transformers.utils", extra="hf").logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
