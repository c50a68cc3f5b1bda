"""Planning: what a strategy will take on a large pool, from trial runs on small parts of it."""
