"""Messages in the terms of AsyncAPI: a channel per subject, an operation for each who says or hears it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from common.contracts.message import Message, subject
from common.http.examples import example
from common.messaging.codec import Codec, encode
from common.messaging.outbox import as_outgoing
from common.messaging.streams import CONSUMERS, STREAM, Hears, consumer, stream
from deploy.docs.messages import hears, kind
from deploy.privileges.nats import speaker

Json = dict[str, Any]
Operations = Iterator[tuple[str, Json]]

REFERENCE = "#/components/schemas/{name}"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TEXT = {"type": "string"}
HEADERS: Json = {
    "type": "object",
    "required": ["Nats-Msg-Id", "Correlation-Id"],
    "properties": {
        "Nats-Msg-Id": TEXT | {"description": "The message's id: derived, equal for every repetition."},
        "Correlation-Id": TEXT | {"description": "What it is about: the purchase, or the aggregate."},
        "Causation-Id": TEXT | {"description": "The id of the message that it answers or follows from."},
        "traceparent": TEXT | {"description": "W3C trace context of when it was written."},
    },
}


def channels(said: Iterable[type[Message]]) -> Json:
    return {
        subject(word): {
            "address": subject(word),
            "summary": f"A {kind(word)}, said by {speaker(word)}.",
            "messages": {word.__name__: pointer("components", "messages", word.__name__)},
        }
        for word in said
    }


def messages(said: Iterable[type[Message]], schemas: Mapping[str, Json]) -> Json:
    return {word.__name__: _message(word, schemas) for word in said}


def operations(word: type[Message]) -> Operations:
    name, service = subject(word), speaker(word)
    common = {
        "channel": pointer("channels", name),
        "messages": [pointer("channels", name, "messages", word.__name__)],
    }
    yield operation("send", f"{service} says {name}", service, common)
    for each in CONSUMERS:
        if hears(each, word):
            how = common | {"x-jetstream": _durable(each)}
            yield operation("receive", f"{each.durable} hears {name}", each.service, how)


def operation(action: str, title: str, service: str, rest: Json) -> tuple[str, Json]:
    """Its key is its title, joined by points."""
    made = {"action": action, "title": title, "tags": [{"name": service}], **rest}
    return title.replace(" ", "."), made


def kept() -> Json:
    """What the stream is in every stack; its size and its replicas are the operator's to say."""
    made = stream(replicas=1, max_bytes=1)
    return {
        "stream": made.name,
        "subjects": made.subjects,
        "retention": made.retention,
        "discard": made.discard,
        "max_age_seconds": made.max_age,
        "duplicate_window_seconds": made.duplicate_window,
        "storage": made.storage,
        "deny_delete": made.deny_delete,
        "deny_purge": made.deny_purge,
    }


def described(of: type) -> str:
    """The first paragraph of its docstring, on one line; else its name, in words."""
    own = (of.__dict__.get("__doc__") or "").split("\n\n")[0]
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in of.__name__)
    return " ".join(own.split()) or f"{words.strip().capitalize()}."


def reference(name: str) -> Json:
    return {"$ref": REFERENCE.format(name=name)}


def pointer(*parts: str) -> Json:
    return {"$ref": "#/" + "/".join(parts)}


def _message(word: type[Message], schemas: Mapping[str, Json]) -> Json:
    """Its example is one that the codec reads, with the headers that the outbox gives it."""
    sample = msgspec.json.encode(example(reference(word.__name__), schemas))
    read = Codec([word]).decode(sample)
    headers = as_outgoing(read)._replace(traceparent=TRACE).headers()
    return {
        "name": subject(word),
        "title": word.__name__,
        "summary": described(word),
        "contentType": "application/json",
        "tags": [{"name": kind(word)}],
        "headers": reference("Headers"),
        "correlationId": pointer("components", "correlationIds", "about"),
        "payload": reference(word.__name__),
        "examples": [{"headers": headers, "payload": msgspec.json.decode(encode(read))}],
        "x-version": read.v,
    }


def _durable(each: Hears) -> Json:
    made = consumer(each)
    return {
        "stream": STREAM,
        "durable": made.durable_name,
        "deliver_policy": made.deliver_policy,
        "ack_policy": made.ack_policy,
        "ack_wait_seconds": made.ack_wait,
        "max_deliver": made.max_deliver,
        "max_ack_pending": made.max_ack_pending,
    }
