"""Formats that labels travel in. One file a format; the file's name is what ``--format`` takes."""

from __future__ import annotations

from querist.core.registry import Registry

registry = Registry("format", __name__, besides=("capabilities", "json_file", "picture_files", "rows_table"))
