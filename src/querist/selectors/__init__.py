"""Selectors look at all rows together and return ``k`` positions: the only global step of a strategy.

    f(points, *, k, labelled=None, candidates=None, rng=None) -> Int[Tensor, "k"]

``labelled`` and ``candidates`` are positions in ``points``; labelled ones are never returned; ``rng=None`` means a
fresh generator with seed 0, never the global one; the answer lists positions in the order picked.
"""
