"""Every route that a running shop says it has, read from its OpenAPI documents."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from common.http.app import PREFIX
from deploy.docs.routes import SERVED
from tests.e2e.whole import Whole

Json = dict[str, Any]
METHODS = {"get", "post", "put", "patch", "delete"}


@dataclass(frozen=True)
class Route:
    """`path` is without the prefix that all share."""

    service: str
    method: str
    path: str
    operation: Json
    schemas: Json

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_public(self) -> bool:
        return not self.operation["security"]

    @property
    def parameters(self) -> list[Json]:
        found: list[Json] = self.operation.get("parameters", [])
        return found

    @property
    def body(self) -> Json | None:
        """The schema of the body; None for a form, too."""
        content = self.operation.get("requestBody", {}).get("content", {})
        return self.resolved(content["application/json"]["schema"]) if "application/json" in content else None

    def resolved(self, schema: Json) -> Json:
        """Without a reference, and without the null of an optional field."""
        for kind in schema.get("anyOf", ()):
            if kind != {"type": "null"}:
                return self.resolved(kind)
        if "$ref" in schema:
            return self.resolved(self.schemas[schema["$ref"].rsplit("/", 1)[1]])
        return schema

    def answered(self) -> Json | None:
        """The schema of the body of a success."""
        for status, answer in self.operation["responses"].items():
            if status.startswith("2") and "application/json" in answer.get("content", {}):
                schema: Json = answer["content"]["application/json"]["schema"]
                return schema
        return None

    def fields(self) -> Iterator[tuple[str, Json]]:
        """Every value in the body that is no object and no list, by its path such as `payment.token`."""
        if self.body is not None:
            yield from self._fields("", self.body)

    def _fields(self, path: str, schema: Json) -> Iterator[tuple[str, Json]]:
        schema = self.resolved(schema)
        if schema.get("type") == "object":
            for name, field in schema.get("properties", {}).items():
                yield from self._fields(f"{path}.{name}".lstrip("."), field)
        elif schema.get("type") == "array":
            yield from self._fields(f"{path}[]", schema["items"])
        else:
            yield path, schema

    def objects(self) -> Iterator[tuple[str, Json]]:
        """Every object in the body: its path, `""` for the body itself."""
        if self.body is not None:
            yield from self._objects("", self.body)

    def _objects(self, path: str, schema: Json) -> Iterator[tuple[str, Json]]:
        schema = self.resolved(schema)
        if schema.get("type") == "array":
            yield from self._objects(f"{path}[]", schema["items"])
        if schema.get("type") == "object":
            yield path, schema
            for name, field in schema.get("properties", {}).items():
                yield from self._objects(f"{path}.{name}".lstrip("."), field)


async def documents(shop: Whole) -> dict[str, Json]:
    """As anybody may read them."""
    found = {}
    for service in SERVED:
        url = f"{next(shop.shop.replicas[service])}{PREFIX}/openapi/{service}.json"
        async with shop.shop.session.get(url) as response:
            assert response.status == 200
            found[service] = await response.json(content_type=None)
    return found


def routes(found: Mapping[str, Json]) -> list[Route]:
    return [
        Route(
            service,
            method.upper(),
            path.removeprefix(PREFIX),
            operation,
            document["components"]["schemas"],
        )
        for service, document in found.items()
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]
