"""The AsyncAPI 3.0 document: every subject, what is said on it, who says it and who hears it.

Derived from the contracts and the topology, as the rights at the broker are.
"""

import msgspec

from common import __version__
from common.contracts.message import subject
from common.contracts.request import Problem, answer
from common.http.examples import dated
from common.messaging.codec import words
from common.messaging.services import Identity
from common.messaging.streams import SPEAKERS, STREAM
from deploy.docs import asked, spoken
from deploy.docs.spoken import HEADERS, REFERENCE, Json
from deploy.embedded.layout import OFFSETS, SERVICES

PORT = 8000 + OFFSETS["nats"]
ABOUT = f"""What the services of the shop say to each other.

**Messages** (`cmd.>`, `evt.>`) are what must happen. The JetStream stream `{STREAM}` keeps them. Whoever
says one has written it into its outbox first; it publishes with `Nats-Msg-Id`, so that the stream drops
what comes twice within its duplicate window. Whoever hears one pulls it from its own durable consumer,
acknowledges it explicitly after its transaction, and remembers its id in an inbox: it may come more than
once, and in any order. A command asks one service, a reply or refusal answers it, an event tells what was
decided, a state carries an aggregate as it is now, with a version.

**Questions** are what somebody wants to know now: over core NATS, answered to the reply subject at once, or
with a `Problem` and the headers `Nats-Service-Error` and `Nats-Service-Error-Code`.

A contract changes by fields that may be left out, and in no other way; what cannot be said so becomes
another subject. `v` in a message, `x-version` here, is the version of the word."""


def document() -> Json:
    said = sorted(words(*SPEAKERS), key=subject)
    questions = asked.all_questions()
    answers = [answer(each) for each in questions]
    schemas, components = msgspec.json.schema_components(
        [*answers, *said, *questions, Problem, Identity], ref_template=REFERENCE
    )
    dated(components)
    spoken_by = [pair for word in said for pair in spoken.operations(word)]
    asked_by = [pair for each in questions for pair in asked.operations(each)]
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Shop", "version": __version__, "description": ABOUT, "license": {"name": "MIT"}},
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": f"localhost:{PORT}",
                "protocol": "nats",
                "description": "Every process has a user of its own, with the rights that it needs.",
                "security": [{"$ref": "#/components/securitySchemes/user"}],
            }
        },
        "channels": spoken.channels(said) | asked.channels(),
        "operations": dict([*spoken_by, *asked_by, *asked.operations_of_everybody(SERVICES)]),
        "components": {
            "messages": spoken.messages(said, components)
            | asked.messages(dict(zip(questions, schemas, strict=False))),
            "schemas": {"Headers": HEADERS} | components,
            "correlationIds": {
                "about": {
                    "description": "The purchase, or the aggregate that changed.",
                    "location": "$message.header#/Correlation-Id",
                }
            },
            "securitySchemes": {"user": {"type": "userPassword"}},
        },
        "x-jetstream": spoken.kept(),
    }
