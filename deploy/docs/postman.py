"""The Postman collection (v2.1), from the OpenAPI documents: the story of a purchase, then every operation.

`{{variables}}` hold what one request answers and the next one needs.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from common.http.examples import ID
from deploy.docs.story import BEFORE, LEARNS, STORY, Step
from deploy.embedded.layout import OFFSETS

Json = dict[str, Any]

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
VARIABLES = {
    "base_url": f"http://localhost:{8000 + OFFSETS['edge']}",
    "mail_url": f"http://localhost:{8000 + OFFSETS['mail_api']}",
    "password": "correct-horse-battery",
    **dict.fromkeys(("email", "phone_number", "code", "access_token", "refresh_token"), ""),
    **dict.fromkeys(("account_id", "session_id", "category_id", "product_id", "media_id", "upload_id"), ID),
    **dict.fromkeys(("purchase_id", "order_id", "payment_id"), ID),
}
IN_TURN = ("GET", "POST", "PUT", "PATCH", "DELETE")
AT_LAST = ("change_password", "log_out")
"""What takes the token away from whatever follows, as does the folder that it is in."""
ABOUT = """Run the folder "A purchase" first: it registers somebody, reads the code in the caught mail, sells
and buys. Then all other requests have the token and the ids that they need. "Log in" gets a new token."""


class Operation(NamedTuple):
    method: str
    path: str
    described: Json


def collection(documents: Mapping[str, Json]) -> Json:
    known = {each.described["operationId"]: each for of in documents.values() for each in operations(of)}
    return {
        "info": {"name": "Shop", "description": ABOUT, "schema": SCHEMA},
        "auth": {
            "type": "bearer",
            "bearer": [{"key": "token", "value": "{{access_token}}", "type": "string"}],
        },
        "variable": [{"key": name, "value": value} for name, value in VARIABLES.items()],
        "item": [
            {"name": "A purchase", "item": [_told(step, known) for step in STORY]},
            *(
                {"name": service, "item": list(map(request, _in_turn(documents[service])))}
                for service in _services(documents)
            ),
        ],
    }


def _services(documents: Iterable[str]) -> list[str]:
    return sorted(documents, key=lambda service: service == "account")


def _in_turn(document: Json) -> list[Operation]:
    """So that a folder can be run from its beginning to its end."""

    def place(each: Operation) -> tuple[int, int]:
        name = each.described["operationId"]
        return AT_LAST.index(name) + 1 if name in AT_LAST else 0, IN_TURN.index(each.method)

    return sorted(operations(document), key=place)


def operations(document: Json) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            yield Operation(method.upper(), path, described)


def request(
    operation: Operation, *, named: str = "", body: Json | None = None, also: Sequence[str] = ()
) -> Json:
    """Every answer must be one that the document knows, whatever else is tested."""
    described = operation.described
    name = described["operationId"]
    asked: Json = {
        "method": operation.method,
        "url": _url(operation),
        "header": [],
        "description": described.get("description", ""),
    }
    if not described["security"]:
        asked["auth"] = {"type": "noauth"}
    asked |= _body(described, body)
    statuses = json.dumps(sorted(map(int, described["responses"])))
    known = f'pm.test("as documented", () => pm.expect({statuses}).to.include(pm.response.code));'
    scripts = [_script("test", [known, *LEARNS.get(name, ()), *also])]
    if name in BEFORE:
        scripts.insert(0, _script("prerequest", BEFORE[name]))
    return {"name": named or described["summary"], "event": scripts, "request": asked}


def _told(step: Step, known: Mapping[str, Operation]) -> Json:
    """A step that is no operation brings its own address: the caught mail."""
    if step.operation:
        return request(known[step.operation], named=step.name, body=step.body, also=step.then)
    asked = {"method": "GET", "url": _parsed(step.url), "header": [], "auth": {"type": "noauth"}}
    return {"name": step.name, "event": [_script("test", step.then)], "request": asked}


def _script(listen: str, lines: Sequence[str]) -> Json:
    return {"listen": listen, "script": {"type": "text/javascript", "exec": list(lines)}}


def _url(operation: Operation) -> Json:
    """What must be said is said; what may be is there to be switched on."""
    parameters = operation.described.get("parameters", [])
    path = operation.path
    for each in parameters:
        if each["in"] == "path":
            path = path.replace(f"{{{each['name']}}}", f"{{{{{each['name']}}}}}")
    asked = [
        {
            "key": each["name"],
            "value": f"{{{{{each['name']}}}}}" if each["name"] in VARIABLES else "",
            "description": each.get("description", ""),
        }
        | ({} if each.get("required") else {"disabled": True})
        for each in parameters
        if each["in"] == "query"
    ]
    return _parsed(f"{{{{base_url}}}}{path}") | ({"query": asked} if asked else {})


def _parsed(url: str) -> Json:
    """As Postman keeps it, beside the text: it reads no address of which only that is there."""
    place, _, query = url.partition("?")
    host, *path = place.split("/")
    pairs = [each.partition("=") for each in query.split("&") if each]
    asked = {"query": [{"key": key, "value": value} for key, _, value in pairs]} if pairs else {}
    return {"raw": url, "host": [host], "path": path} | asked


def _body(described: Json, body: Json | None) -> Json:
    content = described.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        text = json.dumps(_with_variables(body or content["application/json"]["example"]), indent=2)
        return {"body": {"mode": "raw", "raw": text, "options": {"raw": {"language": "json"}}}}
    if "multipart/form-data" in content:
        fields = content["multipart/form-data"]["schema"]["properties"]
        return {"body": {"mode": "formdata", "formdata": [_field(name, fields[name]) for name in fields]}}
    return {}


def _field(name: str, schema: Json) -> Json:
    if schema.get("items", schema).get("format") == "binary":
        return {"key": name, "type": "file", "src": []}
    return {"key": name, "type": "text", "value": f"{{{{{name}}}}}" if name in VARIABLES else ""}


def _with_variables(value: Any, name: str = "") -> Any:
    """Whatever has a variable's name is that variable."""
    if isinstance(value, dict):
        return {key: _with_variables(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_variables(each, name) for each in value]
    return f"{{{{{name}}}}}" if name in VARIABLES else value
