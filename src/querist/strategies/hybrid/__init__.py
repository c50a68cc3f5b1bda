"""Strategies that ask for what is uncertain and diverse at once."""
