"""Strategies that look ahead: they ask for the row whose label would leave the model with the least error."""
