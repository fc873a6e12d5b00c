"""The documents: valid, complete, true to the guards and to the topology, and as committed."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema_rs
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31

from account.app import DOCUMENTED
from common.contracts import request
from common.contracts.message import subject
from common.http.errors import MEDIA_TYPE
from common.http.examples import FALLBACK
from common.http.openapi import PREFIX
from common.messaging.codec import Codec, words
from common.messaging.streams import CONSUMERS, SPEAKERS
from deploy.docs import asked, asyncapi, openapi, postman
from deploy.docs.__main__ import DOCS, as_file
from deploy.docs.routes import SERVED, registered, who
from deploy.docs.story import LEARNS, STORY
from deploy.embedded.layout import SERVICES
from deploy.privileges import nats

Json = dict[str, Any]

SCHEMAS = Path(__file__).parents[2] / "schemas"
DOCUMENTS = openapi.documents()
SPOKEN = asyncapi.document()
COLLECTION = postman.collection(DOCUMENTS)
SECURITY: Mapping[str, list[Json]] = {
    "anyone": [],
    "account": [{"bearer": []}],
    "owner or administrator": [{"bearer": []}],
    "verified account": [{"bearer": ["verified"]}],
    "administrator": [{"bearer": ["admin"]}],
}


class Operation(NamedTuple):
    service: str
    method: str
    path: str
    described: Json


OPERATIONS = [
    Operation(service, *each) for service, of in DOCUMENTS.items() for each in postman.operations(of)
]
HANDLERS = {
    (f"{PREFIX}{path}", method): handler
    for handlers in SERVED.values()
    for path, method, handler in registered(handlers)
}
by_operation = pytest.mark.parametrize("each", OPERATIONS, ids=lambda each: each.described["operationId"])


def validator(service: str, schema: Json) -> Any:
    """Of a schema that refers to the components of that document."""
    whole = schema | {"components": DOCUMENTS[service]["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


@pytest.mark.parametrize("service", DOCUMENTS)
def test_the_openapi_document_is_one(service: str) -> None:
    jsonschema_rs.Draft202012Validator(OPENAPI_31, validate_formats=True).validate(DOCUMENTS[service])
    assert DOCUMENTS[service]["openapi"].startswith("3.1")
    for schema in DOCUMENTS[service]["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema)


def test_the_validator_would_notice() -> None:
    broken = DOCUMENTS["order"] | {"paths": {"/x": {"get": {"responses": {"twohundred": {}}}}}}
    assert not jsonschema_rs.Draft202012Validator(OPENAPI_31).is_valid(broken)


def test_the_page_shows_every_service_that_has_routes() -> None:
    assert set(DOCUMENTED) == SERVED.keys() == DOCUMENTS.keys()


def test_every_operation_has_a_name_of_its_own() -> None:
    ids = [each.described["operationId"] for each in OPERATIONS]
    assert len(ids) == len(set(ids)) > 50


@by_operation
def test_an_operation_says_what_it_is_and_whoever_may_ask_is_whom_the_guards_let_in(each: Operation) -> None:
    assert each.described["summary"]
    assert each.described["tags"]
    handler = HANDLERS[each.path, each.method]
    bearers = [way for way in each.described["security"] if "cookie" not in way]
    assert bearers == SECURITY[who(handler)]
    cookies = [{"cookie": bearers[0]["bearer"]}] if "cookie" in handler.opt else []
    assert each.described["security"] == bearers + cookies


@by_operation
def test_every_error_is_a_problem_and_every_body_has_an_example_that_is_one(each: Operation) -> None:
    for status, answer in each.described["responses"].items():
        content = answer.get("content", {})
        if int(status) >= 400:
            assert content.keys() == {MEDIA_TYPE}
            assert content[MEDIA_TYPE]["schema"] == {"$ref": "#/components/schemas/Problem"}
            assert content[MEDIA_TYPE]["example"]["status"] == int(status)
        for kind in content.values():
            validator(each.service, kind.get("schema", {"type": "string"})).validate(kind["example"])
    body = each.described.get("requestBody", {}).get("content", {}).get("application/json")
    if body is not None:
        validator(each.service, body["schema"]).validate(body["example"])


def test_no_example_is_at_a_loss_for_words() -> None:
    found = [each for each in OPERATIONS if f'"{FALLBACK}"' in json.dumps(list(examples(each.described)))]
    assert found == []


def examples(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from (each for name, each in value.items() if name == "example")
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from examples(each)


def test_what_is_called_a_moment_is_one() -> None:
    """`dated` goes by the names."""
    for service, of in DOCUMENTS.items():
        for schema in of["components"]["schemas"].values():
            for name, field in schema.get("properties", {}).items():
                kinds = [field, *field.get("anyOf", ())]
                is_text = any(kind.get("type") == "string" for kind in kinds)
                is_moment = any(kind.get("format") == "date-time" for kind in kinds)
                assert is_moment == (is_text and name.endswith("_at")), (service, name)


def test_the_asyncapi_document_is_one() -> None:
    schema = json.loads((SCHEMAS / "asyncapi-3.0.0.json").read_text())
    official = jsonschema_rs.Draft7Validator(schema)
    official.validate(SPOKEN)
    assert not official.is_valid(SPOKEN | {"operations": {"x": {"action": "shout"}}})


def test_nothing_in_it_points_at_nothing() -> None:
    for pointer in pointers(SPOKEN):
        found: Any = SPOKEN
        for part in pointer.removeprefix("#/").split("/"):
            found = found[part]


def pointers(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (each for name, each in value.items() if name == "$ref")
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from pointers(each)


def test_every_subject_is_in_it_with_all_who_say_and_hear_it() -> None:
    addresses = {each["address"] for each in SPOKEN["channels"].values()} - {None}
    said = {subject(word) for word in words(*SPEAKERS)}
    questions = {request.subject(each) for each in asked.all_questions()}
    assert {each.removeprefix("{service}.") for each in addresses} == said | questions | set(nats.OF_EACH)
    says = {(tag(each), channel(each)) for each in operations("send", said)}
    assert says == {(service, subject(word)) for service in SERVICES for word in nats.says(service)}
    hears = {(each["x-jetstream"]["durable"], channel(each)) for each in operations("receive", said)}
    assert hears == {
        (each.durable, name)
        for each in CONSUMERS
        for name in said
        if any(name == pattern or name.startswith(pattern.removesuffix(">")) for pattern in each.filters)
    }


def test_who_asks_and_who_answers_may() -> None:
    known = nats.users(SERVICES)
    for each in SPOKEN["operations"].values():
        service, address = tag(each), SPOKEN["channels"][channel(each)]["address"]
        rights = known[service]
        if each["action"] == "send":
            allowed = {right.replace("*", "{service}", 1) for right in rights.publishes}
            assert address in allowed, each["title"]
        elif "x-jetstream" not in each:
            assert address.replace("{service}", service) in rights.subscribes, each["title"]


def operations(action: str, names: set[str]) -> list[Json]:
    return [
        each for each in SPOKEN["operations"].values() if each["action"] == action and channel(each) in names
    ]


def tag(operation: Json) -> str:
    name: str = operation["tags"][0]["name"]
    return name


def channel(operation: Json) -> str:
    name: str = operation["channel"]["$ref"].removeprefix("#/channels/")
    return name


def test_an_example_of_every_message_is_heard_under_its_own_id() -> None:
    codec = Codec(words(*SPEAKERS))
    for word in words(*SPEAKERS):
        [shown] = SPOKEN["components"]["messages"][word.__name__]["examples"]
        message = codec.heard(subject(word), json.dumps(shown["payload"]).encode())
        assert message.id == shown["headers"]["Nats-Msg-Id"]
        assert message.correlation_id == shown["headers"]["Correlation-Id"]


@pytest.mark.parametrize(("name", "made"), [("asyncapi.json", SPOKEN), ("postman.json", COLLECTION)])
def test_the_committed_documents_are_fresh(name: str, made: Json) -> None:
    assert (DOCS / name).read_text() == as_file(made), "python -m deploy.docs writes them"


def test_the_collection_has_every_operation_and_tells_the_story_with_some_of_them() -> None:
    story, *folders = COLLECTION["item"]
    assert sorted(folder["name"] for folder in folders) == sorted(DOCUMENTS)
    asked_for = [
        (each["request"]["method"], each["request"]["url"]["raw"]) for of in folders for each in of["item"]
    ]
    assert len(asked_for) == len(set(asked_for)) == len(OPERATIONS)
    known = {each.described["operationId"] for each in OPERATIONS}
    assert {step.operation for step in STORY} - {""} <= known
    assert LEARNS.keys() <= known
    assert len(story["item"]) == len(STORY)


def test_every_variable_is_declared_and_every_id_in_a_path_is_one() -> None:
    declared = {each["key"] for each in COLLECTION["variable"]}
    text = json.dumps(COLLECTION["item"])
    used = {each.partition("}}")[0] for each in text.split("{{")[1:]}
    assert used <= declared
    assert not any("{" in path.replace("{{", "").replace("}}", "") for path in raw(COLLECTION["item"]))


def raw(items: list[Json]) -> Iterator[str]:
    for each in items:
        if "item" in each:
            yield from raw(each["item"])
        else:
            yield each["request"]["url"]["raw"]
