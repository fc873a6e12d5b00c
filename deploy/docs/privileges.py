"""Who may what at the broker and at Redis, as the servers are told."""

from deploy.docs.pages import table as as_table
from deploy.embedded.services import present
from deploy.privileges import nats, redis


def at_nats() -> str:
    """The subjects of the services' own words stand in the table of messages."""
    return as_table(
        ["User", "Publishes", "Subscribes"],
        [[user, _publishes(user, rights), _listed(rights.subscribes)] for user, rights in _users()],
    )


def at_redis() -> str:
    rows = [
        [
            user,
            _listed((*rights.commands, *rights.of_module)),
            _listed(rights.keys) or "none",
            rights.channels,
        ]
        for user, rights in redis.users().items()
    ]
    head = ["User", "Commands", "Keys", "Channels"]
    return as_table(head, [[*most, f"`{channels}`" if channels else "none"] for *most, channels in rows])


def _users() -> list[tuple[str, nats.Rights]]:
    return list(nats.users(present()).items())


def _publishes(user: str, rights: nats.Rights) -> str:
    words = len(nats.says(user))
    own = [f"its {words} words"] if words else []
    rest = [f"`{each}`" for each in rights.publishes[words:]]
    return ", ".join([*own, *rest, *(["answers"] if rights.responds else [])])


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)
