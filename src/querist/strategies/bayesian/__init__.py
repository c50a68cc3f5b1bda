"""Strategies that ask for what functions drawn from a posterior disagree about."""
