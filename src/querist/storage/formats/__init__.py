"""Formats that labels travel in. One file a format; the file's name is what ``--format`` takes."""

from __future__ import annotations

from querist.core.registry import Registry

registry = Registry("format", __name__)
