"""What a request may not leave open: a parameter twice, `null` for nothing; and what OPTIONS tells."""

import re
from collections import defaultdict
from uuid import UUID

import pytest

from tests.security.cast import Cast

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_options_names_the_methods_of_the_document(shop: Cast) -> None:
    methods: defaultdict[str, set[str]] = defaultdict(set)
    for route in shop.routes:
        methods[route.path].add(route.method)
    headers = await shop.headers("customer")
    for path, known in methods.items():
        filled = "/".join(str(UUID(int=1)) if "{" in part else part for part in path.split("/"))
        answer = await shop.ask("OPTIONS", filled, headers=headers)
        assert set(answer.headers["Allow"].split(", ")) == known | {"OPTIONS"}, path


async def test_a_parameter_comes_once_and_null_is_no_value(shop: Cast) -> None:
    headers, cases = await shop.headers("admin"), 0
    for route in shop.routes:
        for parameter in route.parameters:
            if parameter["in"] != "query":
                continue
            name, schema = parameter["name"], route.resolved(parameter["schema"])
            is_text = schema.get("type") == "string" and not {"format", "enum"} & schema.keys()
            is_text = is_text and re.search(schema.get("pattern", ""), "null") is not None
            twice = await shop.ask("GET", f"{route.path}?{name}=1&{name}=1", headers=headers)
            null = await shop.ask("GET", f"{route.path}?{name}=null", headers=headers)
            assert (twice.status, null.status) == (400, 200 if is_text else 400), (route.name, name)
            assert twice.json["errors"][0]["field"] == name
            cases += 1
    assert cases > 20
