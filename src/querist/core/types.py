"""The axis alphabet, and the few array words that every floor uses.

One letter means one thing everywhere, in annotations (``Float[Tensor, "n c"]``), comments and docstrings:

| axis | runs over |
|---|---|
| n | rows of the table at hand |
| m | labelled rows |
| k | picks |
| b | a mini-batch |
| c | classes |
| d | embedding dimensions |
| p | gradient-embedding dimensions |
| s | posterior samples |
| t | tokens |
| u | units (tokens, pixels, boxes, classes of a multilabel row) |
| h, w | pixels |

Posterior samples come first and classes last: ``prob_samples [s n c]``. Annotations are checked by the test
suite only (jaxtyping with beartype), so users pay nothing for them.
"""

from __future__ import annotations

from jaxtyping import Bool, Float, Int, Shaped
from torch import Generator, Tensor

__all__ = ["Bool", "Float", "Generator", "Int", "Shaped", "Tensor"]
