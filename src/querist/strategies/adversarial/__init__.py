"""Strategies that ask how little an input must change for the network to guess another class."""
