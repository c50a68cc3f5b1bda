"""Training: optimiser steps on anything that is :class:`~querist.training.fit.Trainable`. Knows no adapter."""
