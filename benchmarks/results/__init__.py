"""Every strategy on three data sets: digits, Fashion-MNIST and AG News, beside random and margin.

    python -m benchmarks.results [--plan] [--data digits] [--only badge,bald] [--workers 2]

A *study* is a data set with its model and its counts of labels; a *cell* is one strategy in one study, with all seeds,
in a process of its own. Cells are resumed where their journals end, and a cell that fails is a row that says so.
Data and pages go to ``docs/results/strategies``.

Planned for 8 hours on two cores: 50 strategies take about four hours of one core (``--plan`` says it for those that
are registered, and takes what was measured where it was).
"""
