"""Querist decides which samples are worth a label."""
