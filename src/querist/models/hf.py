"""Hugging Face checkpoints, trained whole: ``hf:PATH_OR_NAME``. Images, texts and words (extra ``hf``).

A checkpoint is the starting point of every training: each round loads it again and draws a new last layer under the
round's seed, so that no round inherits what another one learned.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from querist.core.errors import UsageError
from querist.core.types import Float, Int, Tensor
from querist.models.checkpoint import Checkpoint
from querist.models.checkpoint_inputs import checkpoint_encoder
from querist.models.laplace import Laplace
from querist.models.torch_module import TorchModule
from querist.models.weights import Start
from querist.tasks.base import Task
from querist.training.recipe import Recipe

if TYPE_CHECKING:
    from querist.pool.pool import Pool

FINE_TUNING = Recipe(steps=150, epochs=10, batch=16, lr=5e-5, clip=1.0)
"""Small steps, or the pretrained weights are lost before the new layer has learned anything (mosbach2021stability)."""


class Hf(TorchModule):
    """A transformers checkpoint with a new last layer for the task.

    Embeddings are what the last layer reads. Monte-Carlo dropout repeats the network from its first dropout layer
    on; dropout inside the attention weights is not a layer of its own, and stays off. Use ``frozen:`` where one
    training of the whole network a round is too slow.

    Args:
        checkpoint: a folder with config, weights, and tokenizer or image processor; or a name on the hub.
        longest: word pieces a row is cut to, at most (the checkpoint may read fewer).
        start: ``scratch``: from the checkpoint each round; ``warm``: from the last round's weights.
        recipe: optimiser, length and stopping rule.
        device: where to train and answer.
        inference_batch: rows a forward pass; found by itself if left out.
        cache_mb: encoded inputs are kept between rounds if the whole pool takes no more than this.
        laplace: how samples of the source ``laplace`` are made.

    Raises:
        MissingExtra: transformers is not installed.
        DataError: there is no such checkpoint.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from transformers import ResNetConfig, ResNetModel, ViTImageProcessorPil
        >>> from querist.pool.pool import Pool
        >>> from querist.tasks import make_task
        >>> folder = tempfile.mkdtemp()
        >>> ResNetModel(ResNetConfig(embedding_size=8, hidden_sizes=[8], depths=[1])).save_pretrained(folder)
        >>> _ = ViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
        >>> pool = Pool.from_arrays(np.zeros((4, 40, 30, 3), np.uint8), ["a", "b", "a", "b"])
        >>> model = Hf(folder, recipe=Recipe(steps=2, epochs=1), device="cpu")
        >>> model.prepare(pool, make_task(*pool.suggest_task()))
        >>> model.fit(pool, pool.rows(), pool.truth(pool.rows()), seed=0).steps
        2
        >>> model.predict(pool, pool.rows())[0].shape
        torch.Size([4, 2])
    """

    def __init__(
        self,
        checkpoint: str | Path,
        *,
        longest: int = 256,
        start: Start | None = None,
        recipe: Recipe | None = None,
        device: str = "auto",
        inference_batch: int | None = None,
        cache_mb: float = 1024,
        laplace: Laplace | None = None,
    ) -> None:
        self.checkpoint = Checkpoint(checkpoint)
        self._most = longest
        super().__init__(
            self._made,
            start=start,
            recipe=recipe or FINE_TUNING,
            device=device,
            inference_batch=inference_batch,
            cache_mb=cache_mb,
            laplace=laplace,
        )

    def prepare(self, pool: Pool, task: Task) -> None:
        if (task.kind == "tokens") != (pool.modality == "tokens"):
            raise UsageError(f"a checkpoint does not answer {task.kind} for payloads of {pool.modality}")
        self.task, self._modality = task, pool.modality
        self._encoder_option = checkpoint_encoder(self.checkpoint, pool.modality, most=self._most)
        super().prepare(pool, task)

    def _made(self) -> nn.Module:
        """The checkpoint's network with a last layer of its own draw; called under a seed."""
        c = self.task.outputs
        if self._modality == "tokens":
            whole = self.checkpoint.network(
                "AutoModelForTokenClassification", num_labels=c, ignore_mismatched_sizes=True
            )
            return Tagger(whole.base_model, c)
        kind = "Image" if self._modality == "image" else "Sequence"
        network = self.checkpoint.network(
            f"AutoModelFor{kind}Classification", num_labels=c, ignore_mismatched_sizes=True
        )
        config: Any = network.config
        if self._modality == "text" and config.pad_token_id is None:
            # Decoders without a padding piece refuse batches of more than one row.
            config.pad_token_id = self.checkpoint.tokenizer.pad_token_id
        return Classifier(network, c)


class Classifier(nn.Module):
    """A network of transformers that is called with tensors and gives its logits.

    Args:
        network: any with ``logits`` in its output.
        outputs: their number. The layer that gives them is drawn anew, whatever the checkpoint had learned there.
    """

    def __init__(self, network: nn.Module, outputs: int) -> None:
        super().__init__()
        self.network = network
        linear = [part for part in network.modules() if isinstance(part, nn.Linear) and part.out_features == outputs]
        if linear:
            linear[-1].reset_parameters()

    def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Float[Tensor, "b c"]:
        output: Any = self.network(inputs) if mask is None else self.network(inputs, attention_mask=mask)
        logits: Tensor = output.logits
        return logits


class Tagger(nn.Module):
    """A text encoder whose answers are read at the first piece of each word.

    Args:
        trunk: gives ``last_hidden_state``.
        outputs: tags.
    """

    def __init__(self, trunk: Any, outputs: int) -> None:
        super().__init__()
        self.trunk = trunk
        config = trunk.config
        rates = (getattr(config, name, None) for name in ("classifier_dropout", "hidden_dropout_prob", "dropout"))
        self.dropout = nn.Dropout(next((float(rate) for rate in rates if rate is not None), 0.1))
        self.last = nn.Linear(config.hidden_size, outputs)

    def forward(
        self, pieces: Int[Tensor, "b p"], mask: Int[Tensor, "b p"], first: Int[Tensor, "b t"]
    ) -> Float[Tensor, "b t c"]:
        states = self.trunk(pieces, attention_mask=mask).last_hidden_state
        words = states.gather(1, first[:, :, None].expand(-1, -1, states.shape[-1]))
        answer: Tensor = self.last(self.dropout(words))
        return answer


__all__ = ["FINE_TUNING", "Hf"]
