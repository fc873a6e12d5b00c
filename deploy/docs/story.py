"""A purchase from the first request to the last, as Postman tells it, and what is learnt from answers."""

from collections.abc import Mapping
from typing import Any, NamedTuple

Lines = tuple[str, ...]


class Step(NamedTuple):
    """`operation`: an id of the OpenAPI documents; without, a GET of `url`. `then`: JavaScript for after."""

    name: str
    operation: str = ""
    body: dict[str, Any] | None = None
    then: Lines = ()
    url: str = ""


def answered(status: int) -> str:
    return f'pm.test("{status}", () => pm.response.to.have.status({status}));'


def learns(fields: Mapping[str, str], *successes: int) -> Lines:
    """Keeps fields of a success in variables."""
    kept = (f'  pm.collectionVariables.set("{name}", said.{field});' for name, field in fields.items())
    return (
        f"if ({list(successes)}.includes(pm.response.code)) {{",
        "  const said = pm.response.json();",
        *kept,
        "}",
    )


TOKENS = {
    "access_token": "access_token",
    "refresh_token": "refresh_token",
    "account_id": "account.id",
    "email": "account.email",
}
LEARNS: Mapping[str, Lines] = {
    **{name: learns(TOKENS, 200, 201) for name in ("register", "verify", "log_in", "refresh")},
    "change_password": learns(TOKENS, 200),
    "list_sessions": learns({"session_id": "items[0].id"}, 200),
    "create_category": learns({"category_id": "id"}, 201),
    "create_product": learns({"product_id": "id"}, 201),
    "upload_media": learns({"media_id": "items[0].id"}, 201),
    "offer_upload": learns({"upload_id": "id"}, 201),
    "request_purchase": learns({"purchase_id": "id", "order_id": "id", "payment_id": "id"}, 202),
}
"""By operation, wherever it is asked."""

BEFORE: Mapping[str, Lines] = {
    "register": (
        "const now = Date.now();",
        'pm.collectionVariables.set("email", `ann.${now}@example.com`);',
        'pm.collectionVariables.set("phone_number", `+84${now}`);',
    ),
}
"""Before it is asked: everybody who registers is somebody new."""

READS_THE_CODE: Lines = (
    "const found = /\\\\n(\\d{8})\\\\r/.exec(pm.response.text());",
    'const tries = Number(pm.variables.get("tries") || 0);',
    "if (!found && tries < 20) {",
    '  pm.variables.set("tries", tries + 1);',
    "  setTimeout(() => pm.execution.setNextRequest(pm.info.requestName), 500);",
    "} else {",
    '  pm.test("the code has come", () => pm.expect(found).to.be.an("array"));',
    '  pm.collectionVariables.set("code", found[1]);',
    "}",
)
FOLLOWS: Lines = (
    answered(200),
    'pm.test("decided", () => pm.expect(pm.response.text()).to.include("event: completed"));',
)
UNDONE: Lines = (
    answered(200),
    'pm.test("refused and undone", () => {',
    '  pm.expect(pm.response.text()).to.include("event: failed");',
    '  pm.expect(pm.response.text()).to.include("event: settled");',
    "});",
)
LINE = {"product_id": "", "quantity": 2}
STORY: tuple[Step, ...] = (
    Step("Register", "register", then=(answered(201),)),
    Step(
        "Read the code from the caught mail",
        url="{{mail_url}}/api/v2/search?kind=to&query={{email}}",
        then=READS_THE_CODE,
    ),
    Step("Hand the code in, for a token that may buy", "verify", then=(answered(200),)),
    Step("Log in", "log_in", then=(answered(200),)),
    Step("Sell: a category", "create_category", then=(answered(201),)),
    Step("Sell: a product of which there are ten", "create_product", then=(answered(201),)),
    Step(
        "Buy two",
        "request_purchase",
        {"order_items": [LINE], "payment": {"currency_code": "VND", "installments": 3}},
        (answered(202),),
    ),
    Step("Follow it until it is decided", "watch_purchase", then=FOLLOWS),
    Step("The purchase", "show_purchase", then=(answered(200),)),
    Step("Its order", "show_order", then=(answered(200),)),
    Step("Its payment", "read_payment", then=(answered(200),)),
    Step("What is left of the product", "read_product", then=(answered(200),)),
    Step(
        "Buy with a card that is declined",
        "request_purchase",
        {
            "order_items": [LINE | {"quantity": 1}],
            "payment": {"currency_code": "VND", "token": "tok_decline"},
        },
        (answered(202),),
    ),
    Step("Follow it until everything is undone", "watch_purchase", then=UNDONE),
)
