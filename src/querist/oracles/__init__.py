"""Oracles answer queries: a simulated one from known labels, later noisy and costly ones, and people."""
