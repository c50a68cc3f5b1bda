"""Counts to scores: the F1 of classes, shared by the tasks that name classes."""

from __future__ import annotations

from querist.core.types import Int, Tensor


def macro_f1(hits: Int[Tensor, "c"], true: Int[Tensor, "c"], guessed: Int[Tensor, "c"]) -> float:
    """Mean F1 of the classes that occur in the truth or in the guesses; 1 if none does.

    A class that occurs in neither says nothing about the model, so it does not count as a failure.

    Args:
        hits: guesses of each class that are right.
        true: how often each class is true.
        guessed: how often each class was guessed.

    Example:
        >>> import torch
        >>> round(macro_f1(torch.tensor([1, 2, 0]), torch.tensor([2, 2, 0]), torch.tensor([1, 3, 0])), 4)
        0.7333
    """
    asked = (true + guessed).double()
    occurs = asked > 0
    if not bool(occurs.any()):
        return 1.0
    return float((2 * hits[occurs] / asked[occurs]).mean())


def micro_f1(hits: Int[Tensor, "c"], true: Int[Tensor, "c"], guessed: Int[Tensor, "c"]) -> float:
    """F1 of all classes counted together; 1 where nothing is true and nothing was guessed.

    Example:
        >>> import torch
        >>> micro_f1(torch.tensor([1, 2]), torch.tensor([2, 2]), torch.tensor([1, 3]))
        0.75
    """
    asked = int(true.sum() + guessed.sum())
    return 2 * int(hits.sum()) / asked if asked else 1.0
