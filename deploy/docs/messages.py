"""Who says what to whom, from the contracts and the topology."""

from common.contracts.message import Command, EntityEvent, Message, Refusal, Reply, subject
from common.messaging.codec import words
from common.messaging.streams import CONSUMERS, SPEAKERS, Hears
from deploy.docs.pages import table as as_table
from deploy.privileges.nats import speaker

KINDS: dict[type[Message], str] = {
    Command: "command",
    Refusal: "refusal",
    Reply: "reply",
    EntityEvent: "state",
}


def table() -> str:
    head = ["Subject", "Kind", "Said by", "Heard by"]
    rows = [
        [f"`{subject(word)}`", kind(word), speaker(word), ", ".join(listeners(word)) or "nobody yet"]
        for word in sorted(words(*SPEAKERS), key=subject)
    ]
    return as_table(head, rows)


def kind(word: type[Message]) -> str:
    """A refusal is a reply too: the first that fits."""
    return next((name for parent, name in KINDS.items() if issubclass(word, parent)), _plain(word))


def listeners(word: type[Message]) -> list[str]:
    return sorted(each.durable for each in CONSUMERS if hears(each, word))


def hears(each: Hears, word: type[Message]) -> bool:
    return word in each.words or any(subject(word).startswith(f"{prefix}.") for prefix in each.under)


def _plain(word: type[Message]) -> str:
    return "command" if subject(word).startswith("cmd.") else "event"
