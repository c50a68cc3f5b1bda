"""Adapters: how each peer is called. One small function a method; none of their code is here."""
