"""Storage: the journal of a run, its schema, and the files that labels travel in."""
