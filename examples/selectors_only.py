"""Selectors on arrays of your own: no model, no session, any framework."""

import numpy as np

import querist as q

rng = np.random.default_rng(0)
centres = rng.normal(scale=5, size=(10, 32))
embeddings = (centres[rng.integers(10, size=2000)] + rng.normal(size=(2000, 32))).astype(np.float32)

labelled = [0, 1, 2]  # positions that you know already: never returned, and far from what is picked
covering = q.selectors.k_center(embeddings, k=10, labelled=labelled)
typical = q.selectors.top_k(-np.linalg.norm(embeddings - embeddings.mean(0), axis=1), k=10, labelled=labelled)

print("the ten that cover the rest best:", covering.tolist())
print("the ten nearest to the middle:", typical.tolist())
