"""A scenario as data: what kind of shop, how much traffic, and what is done to it."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from deploy.chaos.arena import Arena, Ground
from deploy.chaos.traffic import Traffic


@dataclass
class Stage:
    """What a scenario works with."""

    arena: Arena
    traffic: Traffic
    draw: random.Random
    notes: dict[str, Any] = field(default_factory=dict)

    async def calm(self, seconds: float) -> None:
        """Traffic without a fault: a fault is a length of time, and so is the peace between two."""
        await asyncio.sleep(seconds)


Act = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True)
class Scenario:
    name: str
    about: str
    act: Act
    ground: Ground
    rate: float | None
    """Of what the campaign's rate is, by this factor; None: the scenario buys by itself."""
    quick: bool
    """Among those that the gate runs."""


SCENARIOS: dict[str, Scenario] = {}
"""In the order in which they are declared."""


def scenario(
    ground: Ground | None = None, *, rate: float | None = 1.0, quick: bool = False
) -> Callable[[Act], Act]:
    """Registers a function under its name, with the first line of its docstring."""

    def register(act: Act) -> Act:
        name = act.__name__.replace("_", "-")
        about = (act.__doc__ or "").splitlines()[0].rstrip(".")
        SCENARIOS[name] = Scenario(name, about, act, ground or Ground(), rate, quick)
        return act

    return register
