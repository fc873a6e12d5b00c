"""What can be asked over NATS and who answers, from the contracts; which subjects that takes."""

from typing import Any

from common.contracts.request import answer, subject
from deploy.docs.pages import table as as_table
from deploy.privileges.nats import answerer, questions


def table() -> str:
    head = ["Subject", "Question", "Answer", "Answered by"]
    rows = [
        [
            f"`{subject(kind)}`",
            f"`{kind.__name__}`",
            f"`{_name(answer(kind))}`",
            f"one replica of {answerer(kind)}",
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


def _name(kind: Any) -> str:
    """`list[Standing]` as it is written, a struct by its name."""
    return kind.__name__ if not getattr(kind, "__args__", ()) else f"list[{kind.__args__[0].__name__}]"
