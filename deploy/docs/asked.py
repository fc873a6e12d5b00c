"""Questions in the terms of AsyncAPI: a channel per subject, one more for every answer, and who asks whom."""

from collections.abc import Iterable, Mapping
from typing import Any

from common.contracts import letters, request
from common.contracts.request import Problem, Request
from common.messaging.answers import QUEUE
from common.messaging.services import Identity
from common.messaging.streams import ASKS
from deploy.docs.spoken import Json, Operations, described, operation, pointer, reference
from deploy.embedded.layout import SERVICES, WITH_DATABASE
from deploy.privileges.nats import OF_EACH, OPERATOR, answerer, questions

Question = type[Request[Any]]

ANSWERS = "answers"
PROBLEM = Problem.__name__
HEALTH: Json = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}
"""And whatever `/readyz` of that service says."""
EVERYBODY: dict[str, Json] = {"health": HEALTH, "info": reference(Identity.__name__)}
"""What every replica of every service answers: nothing is said in the question."""


def all_questions() -> list[Question]:
    return [*sorted(questions(), key=request.subject), *letters.QUESTIONS]


def channels() -> Json:
    named = [*(_answer(each.__name__) for each in all_questions()), *map(_answer, EVERYBODY), PROBLEM]
    return {
        **{request.subject(each): _channel(each) for each in all_questions()},
        **{each: _of_everybody(each) for each in OF_EACH},
        ANSWERS: {
            "address": None,
            "summary": "The reply subject that whoever asks has named, in its own inbox: `_INBOX_<user>.>`.",
            "messages": {each: pointer("components", "messages", each) for each in named},
        },
    }


def messages(answers: Mapping[Question, Json]) -> Json:
    """`answers`: the schema of each."""
    made: Json = {}
    for question, schema in answers.items():
        made[question.__name__] = {
            "name": request.subject(question),
            "summary": described(question),
            "contentType": "application/json",
            "payload": reference(question.__name__),
        }
        made[_answer(question.__name__)] = _told(f"What {request.subject(question)} is answered.", schema)
    for name, schema in EVERYBODY.items():
        made[name] = {"name": name, "summary": "Nothing is said: an empty message."}
        made[_answer(name)] = _told(f"The {name} of one replica.", schema)
    return made | {PROBLEM: _told(described(Problem), reference(PROBLEM))}


def operations(question: Question) -> Operations:
    name = request.subject(question)
    common = _exchange(name, question.__name__)
    of_letters = question in letters.QUESTIONS
    queue = {"bindings": {"nats": {"queue": QUEUE, "bindingVersion": "0.1.0"}}}
    for service in WITH_DATABASE if of_letters else [answerer(question)]:
        yield operation("receive", f"{service} answers {name}", service, common | queue)
    for asking in [*(each for each in ASKS if question in ASKS[each]), OPERATOR]:
        yield operation("send", f"{asking} asks {name}", asking, common)


def operations_of_everybody(services: Iterable[str]) -> Operations:
    for name in OF_EACH:
        for service in services:
            yield operation("receive", f"{service} answers {name}", service, _exchange(name, name))
        yield operation("send", f"{OPERATOR} asks {name}", OPERATOR, _exchange(name, name))


def _channel(question: Question) -> Json:
    of_letters = question in letters.QUESTIONS
    address = request.subject(question, "{service}" if of_letters else "")
    made = _on(address, question.__name__, "Core NATS: one replica answers.")
    whose = {"parameters": {"service": {"enum": list(WITH_DATABASE), "description": "Whose dead letters."}}}
    return made | (whose if of_letters else {})


def _of_everybody(name: str) -> Json:
    made = _on(f"{{service}}.{name}", name, "Core NATS: every replica answers.")
    return made | {"parameters": {"service": {"enum": list(SERVICES), "description": "Whose replicas."}}}


def _on(address: str, message: str, summary: str) -> Json:
    messages = {message: pointer("components", "messages", message)}
    return {"address": address, "summary": summary, "messages": messages}


def _exchange(channel: str, message: str) -> Json:
    """A question on its channel, with its answer or a problem on the one of answers."""
    back = [pointer("channels", ANSWERS, "messages", each) for each in (_answer(message), PROBLEM)]
    return {
        "channel": pointer("channels", channel),
        "messages": [pointer("channels", channel, "messages", message)],
        "reply": {"channel": pointer("channels", ANSWERS), "messages": back},
    }


def _answer(name: str) -> str:
    return f"{name}Answer"


def _told(summary: str, schema: Json) -> Json:
    return {"summary": summary, "contentType": "application/json", "payload": schema}
