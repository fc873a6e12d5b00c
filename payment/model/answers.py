"""What the provider can answer."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Authorized:
    """The provider holds the amount."""


@dataclass(frozen=True)
class Declined:
    """The provider holds nothing, and will not."""

    reason: str


@dataclass(frozen=True)
class Captured:
    """The provider has taken what it held."""


@dataclass(frozen=True)
class Voided:
    """The provider holds nothing, and never will."""


@dataclass(frozen=True)
class Refused:
    """The provider will not capture or void, whenever it is asked."""

    reason: str


@dataclass(frozen=True)
class Unknown:
    """No answer, or none that can be understood. Says nothing about what the provider has done."""

    why: str


Answer = Authorized | Declined | Captured | Voided | Refused | Unknown
