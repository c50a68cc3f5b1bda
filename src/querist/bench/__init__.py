"""Comparing strategies: curves over seeds, and what can be said about them."""
