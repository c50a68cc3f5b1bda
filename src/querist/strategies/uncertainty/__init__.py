"""Strategies that ask for what the model is unsure about."""
