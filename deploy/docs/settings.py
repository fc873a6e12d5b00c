"""What can be set, from the settings structs: a meaning is the docstring below its field."""

import ast
import inspect
from textwrap import dedent

import msgspec

from account.settings import AccountSettings
from common.messaging.provisioner import ProvisionerSettings
from common.postgres.migrate import MigrateSettings
from common.settings import ApiSettings, CacheSettings, DatabaseSettings, RedisSettings, Settings
from deploy.docs.pages import table
from deploy.psp.settings import PspSettings
from mail.settings import MailSettings
from media.settings import MediaSettings
from orchestrator.settings import OrchestratorSettings
from order.settings import OrderSettings
from payment.settings import PaymentSettings
from product.settings import ProductSettings
from purchase.settings import PurchaseSettings

KINDS: dict[str, type[msgspec.Struct]] = {
    "Every service": Settings,
    "Every service with a database": DatabaseSettings,
    "Every service with an API of its own": ApiSettings,
    "Every service with Redis": RedisSettings,
    "account, product, order and payment": CacheSettings,
    "account": AccountSettings,
    "product": ProductSettings,
    "order": OrderSettings,
    "payment": PaymentSettings,
    "purchase": PurchaseSettings,
    "orchestrator": OrchestratorSettings,
    "media": MediaSettings,
    "mail": MailSettings,
    "The provisioner": ProvisionerSettings,
    "The migrations": MigrateSettings,
    "The simulated provider": PspSettings,
}


def tables() -> str:
    """Only what a kind adds to its parents, or changes of them."""
    parts = []
    for title, kind in KINDS.items():
        meanings = own_fields(kind)
        fields = {field.name: field for field in msgspec.structs.fields(kind) if field.name in meanings}
        if rows := [
            [f"`{name.upper()}`", default(field), meanings[name]]
            for name, field in fields.items()
            if name != "service" or kind is Settings
        ]:
            parts.append(f"**{title}**\n\n{table(['Variable', 'Default', 'Meaning'], rows)}")
    return "\n\n".join(parts)


def own_fields(kind: type[msgspec.Struct]) -> dict[str, str]:
    """Name -> meaning, in the order in which they are declared."""
    [declared] = ast.parse(dedent(inspect.getsource(kind))).body
    assert isinstance(declared, ast.ClassDef)
    meanings: dict[str, str] = {}
    newest = None
    for statement in declared.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            newest = statement.target.id
            meanings[newest] = ""
        elif newest and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            meanings[newest] = " ".join(str(statement.value.value).split())
    return meanings


def default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "must be set"
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    shown = ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
    return "none" if value is None or shown == "" else f"`{shown}`"
