"""Selection, measured: Querist beside every public program that has the method, on the same seeded inputs.

    make bench                                         (or: python -m benchmarks.selection --help)

A *case* is a piece of work (a method, its input, how many picks), a *participant* does it, and a *cell* is one
participant at one case. Every run of a cell has a process of its own; participants take turns. What is in memory as
arrays goes in, positions come out, and only that call is timed.
"""
