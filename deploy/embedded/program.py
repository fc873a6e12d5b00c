"""A program of the stack, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from deploy.embedded.probes import Probe

Group = Literal["servers", "services"]
Milestone = Literal["start", "cluster", "nats", "databases", "services"]


@dataclass(frozen=True)
class Program:
    """One process: what to run, how to ask whether it serves, how to stop it.

    The services group stops first; within a group everything stops at once. `after` is the milestone of the
    start that must have passed before the process makes sense. `stop_seconds` after it was told to stop, it
    is killed.
    """

    name: str
    command: tuple[str, ...]
    group: Group
    ready: Probe
    port: int | None = None
    after: Milestone = "start"
    stop_signal: Literal["TERM", "INT"] = "TERM"
    stop_seconds: int = 10
    environment: Mapping[str, str] = field(default_factory=dict)
