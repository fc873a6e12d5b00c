"""Who may say and hear what at the broker: derived from the contracts and the topology.

A new message is its speaker's to say as soon as its contract names it, and nobody else's. Nothing here is a
second list of subjects that could be forgotten.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from common.contracts import letters, request
from common.contracts.message import Message, subject
from common.contracts.request import Request
from common.messaging.codec import words
from common.messaging.services import CONTROL, control_subjects
from common.messaging.streams import ASKS, CONSUMERS, SPEAKERS, STREAM
from deploy.embedded.layout import WITH_DATABASE

PROVISIONER, OPERATOR, VIEWER, ADMIN = "provisioner", "operator", "viewer", "admin"
ROUTE = "route"
"""Not a client: the servers of a cluster know each other by it."""

OF_EACH = ("health", "info")
"""Asked of every replica of every service."""

API = "$JS.API"
LOOKS = (
    "INFO",
    "STREAM.NAMES",
    "STREAM.LIST",
    "STREAM.INFO.*",
    "STREAM.MSG.GET.*",
    "CONSUMER.NAMES.*",
    "CONSUMER.LIST.*",
    "CONSUMER.INFO.*.*",
)
"""What a page on the broker asks; none of it changes anything."""


@dataclass(frozen=True)
class Rights:
    """What one user may publish and subscribe to; everything else is refused."""

    publishes: tuple[str, ...]
    subscribes: tuple[str, ...]
    responds: bool = False
    """May answer, once and soon, whoever asked it."""


def users(services: Iterable[str]) -> dict[str, Rights]:
    """Every user of a shop: one per service, and those that look after it."""
    known = {service: of_service(service) for service in services}
    return known | {PROVISIONER: provisioner(), OPERATOR: operator(), VIEWER: viewer()}


def of_service(service: str) -> Rights:
    """Says its own words, pulls and acknowledges from its own consumers, asks and answers."""
    own = [subject(word) for word in says(service)]
    return Rights(
        publishes=(*own, *asks(service), *_stream(service), *_consumer(service)),
        subscribes=(inboxes(service), *listens(service)),
        responds=True,
    )


def says(service: str) -> list[type[Message]]:
    return sorted((word for word in words(*SPEAKERS) if speaker(word) == service), key=subject)


def speaker(word: type[Message]) -> str:
    """Events are their owner's; commands come from the one who knows the saga."""
    what, owner, *_ = subject(word).split(".")
    return owner if what == "evt" else "orchestrator"


def asks(service: str) -> list[str]:
    """Every subject on which it asks others."""
    return sorted(request.subject(kind) for kind in ASKS.get(service, ()))


def listens(service: str) -> list[str]:
    """Every subject on which it is asked."""
    own = [request.subject(kind) for kind in questions() if answerer(kind) == service]
    own += [request.subject(kind, service) for kind in letters.QUESTIONS if service in WITH_DATABASE]
    return [*sorted(own), *(f"{service}.{each}" for each in OF_EACH), *control_subjects(service)]


def questions() -> list[type[Request[Any]]]:
    """Every kind that the contract files define."""
    return [
        thing
        for speaker in SPEAKERS
        for thing in vars(speaker).values()
        if isinstance(thing, type) and issubclass(thing, Request) and thing is not Request
    ]


def answerer(kind: type[Request[Any]]) -> str:
    return request.subject(kind).split(".")[0]


def provisioner() -> Rights:
    """Makes and changes the stream and the consumers of the topology, by name; deletes and reads nothing."""
    stream = [f"{API}.STREAM.{verb}.{STREAM}" for verb in ("INFO", "CREATE", "UPDATE")]
    consumers = [
        f"{API}.CONSUMER.{verb}.{STREAM}.{hears.durable}"
        for hears in CONSUMERS
        for verb in ("INFO", "DURABLE.CREATE")
    ]
    return Rights((*stream, *consumers), (inboxes(PROVISIONER),))


def operator() -> Rights:
    """Asks, deals with dead letters, and nothing else."""
    asks = sorted(request.subject(kind) for kind in questions())
    of_letters = sorted(request.subject(kind, "*") for kind in letters.QUESTIONS)
    of_each = (f"*.{each}" for each in OF_EACH)
    return Rights((*asks, *of_letters, *of_each, f"{CONTROL}.>"), (inboxes(OPERATOR),))


def viewer() -> Rights:
    """Looks at the stream, and changes nothing. The page brings no inbox prefix of its own."""
    return Rights(tuple(f"{API}.{look}" for look in LOOKS), ("_INBOX.>",))


def admin() -> Rights:
    """Everything: for tests, and for whoever repairs. No process has its password."""
    return Rights((">",), (">",))


def inboxes(user: str) -> str:
    """Where its answers arrive: nobody else may listen there."""
    return f"_INBOX_{user}.>"


def authorization(known: Mapping[str, Rights], password: Callable[[str], str]) -> str:
    """The block of a server's file: a user per line."""
    lines = [json.dumps(_entry(user, password(user), rights)) for user, rights in known.items()]
    return "authorization {\n  users: [\n" + "".join(f"    {line}\n" for line in lines) + "  ]\n}\n"


def _entry(user: str, password: str, rights: Rights) -> dict[str, object]:
    permissions: dict[str, object] = {
        "publish": _only(rights.publishes),
        "subscribe": _only(rights.subscribes),
    }
    if rights.responds:
        permissions["allow_responses"] = {"max": 1, "expires": "5s"}
    return {"user": user, "password": password, "permissions": permissions}


def _only(subjects: tuple[str, ...]) -> dict[str, list[str]]:
    """An empty list of what is allowed would allow everything."""
    return {"allow": list(subjects)} if subjects else {"deny": [">"]}


def _stream(service: str) -> list[str]:
    """Whoever has an outbox asks when the stream was made: whether it is a new one (P16)."""
    return [f"{API}.STREAM.INFO.{STREAM}"] if service in WITH_DATABASE else []


def _consumer(service: str) -> list[str]:
    """Both spellings of an acknowledgement, as servers decide which they ask for.

    The second names the domain, which is none: as `*` it would match the first spelling of another's.
    """
    return [
        right.format(hears.durable)
        for hears in CONSUMERS
        if hears.service == service
        for right in (
            f"{API}.CONSUMER.MSG.NEXT.{STREAM}.{{}}",
            f"$JS.ACK.{STREAM}.{{}}.>",
            f"$JS.ACK._.*.{STREAM}.{{}}.>",
        )
    ]
