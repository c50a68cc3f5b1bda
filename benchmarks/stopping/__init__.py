"""Stopping rules on recorded campaigns: what each would have spent, and what that would have cost.

python -m benchmarks.stopping
"""
