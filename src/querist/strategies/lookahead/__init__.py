"""Strategies that ask what the model would be like after a label, before anybody gives it."""
