"""Strategies that ask for rows where the data are and the labels are not."""
