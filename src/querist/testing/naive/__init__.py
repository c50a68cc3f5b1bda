"""Naive twins: the same ideas once more, in plain loops over plain numbers, slow and obviously right.

The contract checks compare every score, selector and strategy with its twin on small inputs. A twin shares no code
with what it checks, but for the random draws of which the answer is a function.
"""

Vector = list[float]
