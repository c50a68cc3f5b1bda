"""Real crowds: what votes are worth together, and whether to ask again or for something new."""
