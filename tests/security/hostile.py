"""Values that break parsers, counters and databases, in every place where a caller may put one."""

import gzip
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from tests.security.served import Json, Route
from tests.security.test_fields import minimal

HERE = "in this place"
NESTED = 10_000
LONG = "x" * 60_000
"""Within what a body may have, beyond what any text may."""
NO_TEXTS = ("NaN", "-Infinity", "1e30", "1e400", str(10**30), str(2**63), str(-(2**63) - 1), "[]", "{}")
TEXTS = (r'"\ud800"', r'"\udc00\ud800"', r'"\u0000"', f'"{LONG}"', f'"{LONG * 20}"', '"\t"')
NO_NUMBERS = ("1.5", '"1"', "true", '""')
ANYWHERE = (*NO_TEXTS, *TEXTS, "[" * NESTED, '{"x":' * NESTED, "", "1,", "00", "0x1", "'x'", "\ufeff1")
IN_URLS = ("%00", "x%00", "%ff", "%ed%a0%80", LONG[:20_000])
NO_IDS = (
    "NaN",
    "1e30",
    str(10**30),
    str(2**63),
    str(-(2**63) - 1),
    "-1",
    "1.5",
    "%F0%9F%92%A5",
    "..%2F..",
    "+1",
)
JSON = {"Content-Type": "application/json"}
TYPES = (
    *("text/plain", "application/xml", "application/x-www-form-urlencoded", "application/msgpack"),
    *("multipart/form-data; boundary=x", "application/json; charset=utf-16", "application/jsonx", "json", ""),
)


class Case(NamedTuple):
    route: Route
    place: str
    path: str
    body: bytes | None
    headers: Mapping[str, str]


def cases(routes: Iterable[Route]) -> Iterator[Case]:
    for route in routes:
        plain = "/".join(
            "01890000-0000-7000-8000-000000000000" if "{" in part else part for part in route.path.split("/")
        )
        for place, path, headers in addressed(route, plain):
            yield Case(route, place, path, None, headers)
        for place, body, headers in bodies(route):
            yield Case(route, place, plain, body, JSON | headers)


def addressed(route: Route, plain: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """In the path, the query and the headers."""
    for parameter in route.parameters:
        name, schema = parameter["name"], route.resolved(parameter["schema"])
        is_text = schema.get("type") == "string" and not {"format", "enum"} & schema.keys()
        for value in (*IN_URLS, *(() if is_text else NO_IDS)):
            place = f"{parameter['in']} {name}={value[:20]}"
            if parameter["in"] == "path":
                yield place, route.path.replace(f"{{{name}}}", value), {}
            elif parameter["in"] == "query":
                yield place, f"{plain}?{name}={value}", {}
            elif "%" not in value:
                yield place, plain, {name: value}


def bodies(route: Route) -> Iterator[tuple[str, bytes, dict[str, str]]]:
    if route.body is None:
        return
    for name, schema in route.fields():
        body = json.dumps(with_mark(route, name))
        assert f'"{HERE}"' in body, (route.name, name)
        is_text = schema.get("type") == "string"
        for value in (*ANYWHERE, *(() if is_text else NO_NUMBERS)):
            yield f"{name}={value[:20]}", body.replace(f'"{HERE}"', value).encode(), {}
    valid = json.dumps(minimal(route, route.body)).encode()
    for what, whole in wholes(valid).items():
        yield what, whole, {}
    for encoding, packed in (
        ("gzip", gzip.compress(valid)),
        ("gzip", gzip.compress(b"[" * 10**7)),
        ("br", valid),
    ):
        yield f"{encoding} of {len(packed)} bytes", packed, {"Content-Encoding": encoding}
    for kind in TYPES:
        yield f"as {kind}", valid, {"Content-Type": kind}


def wholes(valid: bytes) -> dict[str, bytes]:
    """Instead of the whole body."""
    found = {
        value[:20].decode("latin-1"): value
        for value in (b"", b" ", b"null", b"NaN", b"\0", b"\xff\xfe", b'"x"')
    }
    found |= {"deep lists": b"[" * NESTED, "deep objects": b'{"x":' * NESTED, "cut off": valid[:-1]}
    found |= {"a byte order mark": b"\xef\xbb\xbf" + valid, "UTF-16": valid.decode().encode("utf-16")}
    found |= {"twice": valid + valid, "and more": valid + b"x", "and NUL": valid + b"\0"}
    found["invalid UTF-8"] = re.sub(rb'": "[^"]', b'": "\xff', valid)
    if valid.startswith(b"{") and len(valid) > 2:
        first = dict(list(json.loads(valid).items())[:1])
        found["a key twice"] = json.dumps(first)[:-1].encode() + b", " + valid[1:]
        found["many keys"] = valid[:-1] + b"".join(b', "k%d": 1' % number for number in range(3000)) + b"}"
    return {what: whole for what, whole in found.items() if whole != valid}


def with_mark(route: Route, path: str) -> Any:
    """A body that says the least, and a mark at a path such as `order_items[].quantity`."""
    body = minimal(route, route.body or {})
    parts = path.replace("[]", ".[]").strip(".").split(".")
    place = body
    for part, after in pairwise(parts):
        empty: list[Any] | Json = [HERE] if after == "[]" else {"currency_code": "VND"}
        place = place[0] if part == "[]" else place.setdefault(part, empty)
    if parts[-1] == "[]":
        place[:] = [HERE]
    else:
        place[parts[-1]] = HERE
    return body
