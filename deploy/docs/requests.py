"""What can be asked over NATS and who answers, from the contracts; which subjects that takes."""

from typing import Any

from common.contracts.request import Request, answer, subject
from common.messaging.services import CONTROL, control_subjects
from common.messaging.streams import SPEAKERS
from deploy.docs.pages import table as as_table
from deploy.embedded.census import ASKER
from deploy.embedded.services import present

OF_EACH = ("health", "info")
"""Asked of every replica of every service."""


def table() -> str:
    head = ["Subject", "Question", "Answer", "Answered by"]
    rows = [
        [
            f"`{subject(kind)}`",
            f"`{kind.__name__}`",
            f"`{_name(answer(kind))}`",
            f"one replica of {owner(kind)}",
        ]
        for kind in sorted(questions(), key=subject)
    ]
    rows += [
        ["`<service>.health`", "nothing", "what `/readyz` says, and whose `id`", "every replica"],
        ["`<service>.info`", "nothing", "`Identity`", "every replica"],
        [
            "`$SRV.PING`, `.INFO`, `.STATS`",
            "nothing",
            "as the services API has it",
            "every replica of every service",
        ],
    ]
    return as_table(head, rows)


def subjects() -> str:
    """What each may subscribe to and publish, besides its own messages."""
    head = ["User", "Subscribes", "Publishes"]
    rows = [[service, _listed(listens(service)), "only responses"] for service in present()]
    asks = [*sorted(map(subject, questions())), *(f"*.{each}" for each in OF_EACH), f"{CONTROL}.>"]
    return as_table(head, [*rows, [ASKER, _listed([f"_INBOX_{ASKER}.>"]), _listed(asks)]])


def questions() -> list[type[Request[Any]]]:
    """Every kind that the contract files define."""
    return [
        thing
        for speaker in SPEAKERS
        for thing in vars(speaker).values()
        if isinstance(thing, type) and issubclass(thing, Request) and thing is not Request
    ]


def owner(kind: type[Request[Any]]) -> str:
    return subject(kind).split(".")[0]


def listens(service: str) -> list[str]:
    """Every subject on which it is asked."""
    own = [subject(kind) for kind in questions() if owner(kind) == service]
    return [*sorted(own), *(f"{service}.{each}" for each in OF_EACH), *control_subjects(service)]


def _name(kind: Any) -> str:
    """`list[Standing]` as it is written, a struct by its name."""
    return kind.__name__ if not getattr(kind, "__args__", ()) else f"list[{kind.__args__[0].__name__}]"


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
