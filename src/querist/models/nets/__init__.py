"""Small ready networks, one a file. Each says how it is built for given inputs and which recipe suits it."""

from __future__ import annotations

from querist.core.registry import Registry

registry = Registry("model", __name__)
