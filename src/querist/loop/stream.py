"""Stream: samples pass one at a time, and each is asked about now or never.

``offer`` a sample, and if it says yes ``tell`` its label: at once, or later while others pass. The model is trained
again each time that enough labels have come, on the last of them. The rate of labels is never exceeded, at no moment.
What must be known to go on is plain data (:meth:`Stream.state`), and every draw is named by the sample that it belongs
to, so a stream that was cut and taken up again asks what it would have asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from querist import streams
from querist.core.errors import UsageError
from querist.core.rng import child_seed, generator
from querist.loop.samples import payload, plain, restored, together
from querist.models.base import Adapter
from querist.models.frozen import Frozen
from querist.pool.pool import Pool
from querist.streams.allowance import Allowance
from querist.streams.base import Passing, StreamPolicy
from querist.tasks.base import Label, Task

_LEAST_CLASSES = 2
"""Classes that must have been told before a model is trained: one that knows a single class is sure of everything."""


class Stream:
    """A model that learns from a stream of samples, and asks for labels at a rate.

    Args:
        model: an adapter, a ``torch.nn.Module`` (or a function that makes one), a scikit-learn estimator, or a name.
            What a frozen encoder says is best computed before, and offered as the sample.
        task: what a label is; a classification.
        budget: labels a sample, above 0 and up to 1. After any number of samples no more than this share of them has
            been asked.
        policy: a stream policy or its name: ``variable_uncertainty``, ``variable_randomized``, ``fixed_uncertainty``,
            ``split``, ``random``, ``periodic``.
        every: labels from one training to the next.
        memory: the model is trained on the last so many labels; on all if ``None``. What is older is forgotten, which
            is how the model follows a stream that changes.
        window: samples that the estimate of recent spending looks back on (``w`` of zliobaite2014active).
        seed: decides every draw of the stream.

    Raises:
        UsageError: another task than a classification, a count below 1, or a frozen encoder.
        BudgetError: a rate outside 0 to 1.

    Example:
        >>> import querist as q
        >>> stream = q.Stream(model="sklearn:GaussianNB", task=q.Classification(["low", "high"]), budget=0.5, every=4)
        >>> for value in range(40):
        ...     if stream.offer([value % 10]):
        ...         stream.tell("high" if value % 10 > 4 else "low")
        >>> stream.predict([9]), stream.predict([1]), stream.asked <= 0.5 * stream.seen
        ('high', 'low', True)
    """

    rows: ClassVar = ("A15",)
    kind: ClassVar = "stream"
    family: ClassVar = "stream"
    paper: ClassVar = "zliobaite2014active"

    def __init__(
        self,
        *,
        model: Adapter | Any,
        task: Task,
        budget: float = 0.1,
        policy: StreamPolicy | str = "variable_uncertainty",
        every: int = 10,
        memory: int | None = 200,
        window: int = 100,
        seed: int = 0,
    ) -> None:
        if task.kind != "classification":
            raise UsageError(f"a stream asks for classes, and the task is {task.kind}", hint="use a Session")
        if every < 1 or (memory is not None and memory < _LEAST_CLASSES):
            raise UsageError(
                f"a training every {every} labels on the last {memory} was asked for",
                hint=f"give 1 or more, and a memory of {_LEAST_CLASSES} or more",
            )
        if isinstance(model, Frozen) or (isinstance(model, str) and model.startswith("frozen:")):
            raise UsageError(
                "a frozen encoder keeps its embeddings in a file for each pool", hint="offer the embeddings as samples"
            )
        self.task = task
        self.policy: StreamPolicy = streams.registry[policy]() if isinstance(policy, str) else policy
        self.every, self.memory, self.seed = every, memory, seed
        self.allowance = Allowance(rate=budget, window=window)
        self.reason = ""
        """Why the last sample was asked about, or not."""
        self.confidence = 1 / len(task.classes)
        """The highest class probability of the last sample; that of a blind guess while there is no model."""
        self.guess: Label | None = None
        """The likeliest class of the last sample; ``None`` while there is no model."""
        self.pending: dict[int, Any] = {}
        """Samples that were asked and not told yet, by number."""
        self._model = model
        self._adapter: Adapter | None = None
        self._policy_state = self.policy.start()
        self._told: list[tuple[Any, Label]] = []
        self._labels = 0
        self._since = 0
        """Labels since the last training."""
        self._trainings = 0

    # -- what is known ---------------------------------------------------------------------------------------

    @property
    def seen(self) -> int:
        """Samples that have passed."""
        return self.allowance.seen

    @property
    def asked(self) -> int:
        """Samples whose labels were asked: what counts against the budget, whether told or not."""
        return self.allowance.asked

    @property
    def labels(self) -> int:
        """Labels that were told."""
        return self._labels

    @property
    def trainings(self) -> int:
        """How often the model was trained."""
        return self._trainings

    # -- the acts --------------------------------------------------------------------------------------------

    def offer(self, sample: Any) -> bool:
        """Whether the label of a sample is wanted. The sample has passed then, and is kept only if it is.

        Args:
            sample: what the model reads: ``[d]`` numbers, an image ``[h w]`` or ``[h w 3]``, a text.

        Raises:
            DataError: it cannot be read, or is of another shape than the ones before; the sample then does not count.
        """
        kept = payload(sample)
        chances = self.probs(kept)
        self.confidence = 1 / len(self.task.classes) if chances is None else float(chances.max())
        self.guess = None if chances is None else self.task.decode(int(chances.argmax()))
        ask = False
        if not self.allowance.left:
            self.reason = f"no budget: {self.asked} of {self.seen} samples were asked"
        else:
            number = self.seen + 1
            said = self.policy.choice(
                Passing(
                    number=number,
                    confidence=self.confidence,
                    classes=len(self.task.classes),
                    budget=self.allowance.rate,
                ),
                self._policy_state,
                generator(self.seed, "stream", number),
            )
            ask, self.reason, self._policy_state = said.ask, said.reason, said.state
        self.allowance.pass_by(ask=ask)
        if ask:
            self.pending[self.seen] = kept
        return ask

    def tell(self, label: Label, *, number: int | None = None) -> None:
        """Give the label of a sample that was asked; trains the model if enough have come.

        Args:
            label: as a person gives it.
            number: which sample, by its place in the stream (:attr:`seen` when it was offered); may be left out where
                only one is waited for.

        Raises:
            UsageError: no label is waited for, or several are and it is not said which.
            DataError: a label that does not belong to the task; nothing is stored.
        """
        number = self._awaited(number)
        self.task.check(self.pending[number], label)
        self._told.append((self.pending.pop(number), label))
        self._labels += 1
        self._since += 1
        if self.memory is not None:
            # What the last training saw must stay, so that it can be repeated.
            del self._told[: max(0, len(self._told) - self.memory - self._since)]
        if self._since >= self.every and len({told for _, told in self._told}) >= _LEAST_CLASSES:
            self._train()

    def skip(self, *, number: int | None = None) -> None:
        """Nobody can label a sample that was asked. It stays on the bill."""
        del self.pending[self._awaited(number)]

    def probs(self, sample: Any) -> np.ndarray | None:
        """Class probabilities of a sample, ``[c]``; ``None`` while there is no model."""
        if self._adapter is None:
            return None
        pool = Pool.from_arrays(together([payload(sample)]), name="stream")
        answers, _ = self._adapter.predict(pool, pool.rows())
        return answers[0].double().numpy(force=True)

    def predict(self, sample: Any) -> Label | None:
        """The likeliest class of a sample; ``None`` while there is no model."""
        chances = self.probs(sample)
        return None if chances is None else self.task.decode(int(chances.argmax()))

    # -- what lasts ------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """All that must be known to go on, as plain data that JSON can hold: samples of the memory included."""
        return {
            "allowance": vars(self.allowance).copy(),
            "policy": dict(self._policy_state),
            "told": [
                [plain(sample), label.item() if isinstance(label, np.generic) else label]
                for sample, label in self._told
            ],
            "pending": [[number, plain(sample)] for number, sample in self.pending.items()],
            "labels": self._labels,
            "since": self._since,
            "trainings": self._trainings,
        }

    def restore(self, state: Mapping[str, Any]) -> Stream:
        """Go on from :meth:`state`, in a stream made with the same arguments, and return it; the model is trained anew.

        Raises:
            UsageError: the stream has begun, was made with another budget, or has a model that starts warm.
        """
        allowance = Allowance(**state["allowance"])
        mine, its = (self.allowance.rate, self.allowance.window), (allowance.rate, allowance.window)
        if self.seen or mine != its:
            raise UsageError(
                f"a stream of rate and window {mine} that saw {self.seen} samples cannot go on from one of {its}",
                hint="make a new stream with the arguments of the first",
            )
        self.allowance, self._policy_state = allowance, dict(state["policy"])
        self._told = [(restored(sample), label) for sample, label in state["told"]]
        self.pending = {int(number): restored(sample) for number, sample in state["pending"]}
        self._labels, self._since = int(state["labels"]), int(state["since"])
        if state["trainings"]:
            self._trainings = int(state["trainings"]) - 1
            since, self._since = self._since, 0
            self._train(self._told[: len(self._told) - since])
            self._since = since
            if self._adapter is not None and not self._adapter.refits:
                raise UsageError(
                    "a model that goes on from its last weights cannot be trained again from labels",
                    hint="use start='scratch'",
                )
        return self

    # -- inside ----------------------------------------------------------------------------------------------

    def _awaited(self, number: int | None) -> int:
        """The sample that a label is for."""
        if number is None and len(self.pending) == 1:
            return next(iter(self.pending))
        if number is None or number not in self.pending:
            waited = ", ".join(map(str, self.pending)) or "none"
            raise UsageError(
                "no label is waited for" if not self.pending else f"which sample is meant? Waited for: {waited}",
                hint="tell a label where offer said yes, with number= if several are waited for",
            )
        return number

    def _train(self, told: list[tuple[Any, Label]] | None = None) -> None:
        """Train on the last labels, whose payloads are all that is known of the stream."""
        known = (self._told if told is None else told)[-(self.memory or len(self._told)) :]
        pool = Pool.from_arrays(together([sample for sample, _ in known]), name="stream")
        adapter = self._adapter
        if adapter is None:
            from querist.models import as_adapter

            adapter = as_adapter(self._model, pool, self.task)
        if self._adapter is None or adapter.refits:
            adapter.prepare(pool, self.task)
        adapter.fit(
            pool, pool.rows(), [label for _, label in known], seed=child_seed(self.seed, "fit", self._trainings)
        )
        self._adapter = adapter
        self._trainings += 1
        self._since = 0
