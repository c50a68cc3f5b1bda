"""The loop: ask, label, tell, fit. It owns the round number and the seed; events go to the journal before all else."""
