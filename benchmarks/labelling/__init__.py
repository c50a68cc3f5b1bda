"""How the labelling server holds out: many people over HTTP while the worker trains."""
