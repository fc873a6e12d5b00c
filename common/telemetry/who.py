"""Which process tells."""

from typing import NamedTuple


class Who(NamedTuple):
    service: str
    version: str
    instance: str
    """Host and port: replicas share the rest."""
