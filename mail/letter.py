"""Facts into words: a text and an HTML part, from templates that escape what strangers wrote."""

import html
from collections.abc import Callable, Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any, NamedTuple

from common.contracts.message import Item
from mail.model import (
    Addressee,
    Content,
    Due,
    Failure,
    Receipt,
    Verification,
    mailbox,
    one_line,
)
from mail.money import money

SUBJECTS: Mapping[type[Content], str] = {
    Verification: "Your verification code",
    Receipt: "Your receipt",
    Failure: "Your purchase could not be completed",
}

REASONS = {
    "insufficient_stock": "There is not enough left of something you chose.",
    "unknown_product": "Something you chose is no longer sold.",
    "currency_mismatch": "Something you chose is priced in another currency.",
    "total_too_large": "The total is larger than we can handle.",
    "card_declined": "The payment was declined.",
    "declined": "The payment was declined.",
    "limit_exceeded": "The payment was declined: it is above your limit.",
    "account_inactive": "Your account is not active.",
    "cancelled_by_customer": "You cancelled it.",
    "deadline": "It could not be confirmed in time.",
}
BOUNDARY = "=_shop_="
"""No part can hold it: only templates write the beginnings of lines."""

ANY_REASON = "One of its steps could not be done."

Escape = Callable[[str], str]


class Form(NamedTuple):
    """One of the two parts of every mail."""

    suffix: str
    escape: Escape


TEXT = Form("txt", lambda text: text)
HTML = Form("html", html.escape)


class Desk(NamedTuple):
    """Who writes, and the domain that the ids of letters belong to."""

    sender: Address
    domain: str

    @classmethod
    def of(cls, sender: str, *, domain: str) -> "Desk":
        name, address = parseaddr(sender)
        return cls(Address(display_name=name, addr_spec=mailbox(address)), domain)

    def letter(self, due: Due) -> EmailMessage:
        """Byte for byte the same for every repetition. Raises NotAnAddress."""
        mail = due.mail
        letter = EmailMessage(policy=SMTP)
        letter["Message-ID"] = f"<{mail.id}@{self.domain}>"
        letter["Date"] = due.accepted_at
        letter["From"] = _header("From", str(self.sender))
        letter["To"] = Address(addr_spec=mailbox(mail.to.mailbox))
        letter["Subject"] = _header("Subject", SUBJECTS[type(mail.content)])
        letter["Auto-Submitted"] = _header("Auto-Submitted", "auto-generated")
        letter["MIME-Version"] = _header("MIME-Version", "1.0")
        letter["Content-Type"] = _header("Content-Type", f'multipart/alternative; boundary="{BOUNDARY}"')
        letter.attach(_part("text/plain", _body(TEXT, due)))
        letter.attach(_part("text/html", _body(HTML, due)))
        return letter


@cache
def _header(name: str, value: str) -> Any:
    """Parsed once: parsing is most of the work of a letter."""
    return SMTP.header_factory(name, value)


def _part(kind: str, text: str) -> EmailMessage:
    """As it is, readable on the wire; re-encoded only for a server that cannot take eight bits.

    No line is too long for that: the templates keep their own short, and strangers' texts are clipped.
    """
    part = EmailMessage(policy=SMTP)
    part["Content-Type"] = _header("Content-Type", f'{kind}; charset="utf-8"')
    part["Content-Transfer-Encoding"] = _header(
        "Content-Transfer-Encoding", "7bit" if text.isascii() else "8bit"
    )
    part.set_payload(text.encode().decode("ascii", "surrogateescape"))
    return part


def _body(form: Form, due: Due) -> str:
    mail = due.mail
    words = {name: form.escape(text) for name, text in _words(mail.content, mail.to).items()}
    lines = _lines(form, mail.content) if isinstance(mail.content, Receipt) else ""
    return _template(f"{mail.kind}.{form.suffix}").substitute(words, about=mail.about, lines=lines)


def _words(content: Content, to: Addressee) -> dict[str, str]:
    """What the templates' names stand for, not escaped yet."""
    greeting = {"name": one_line(to.name) or "customer"}
    match content:
        case Verification(code, expires_at):
            return {"code": code, "expires_at": f"{expires_at:%Y-%m-%d %H:%M} UTC"}
        case Receipt(_, total, currency_code):
            return greeting | {"total": money(total, currency_code)}
        case Failure(reason):
            return greeting | {"reason": REASONS.get(reason, ANY_REASON)}


def _lines(form: Form, receipt: Receipt) -> str:
    template = _template(f"line.{form.suffix}")
    return "".join(
        template.substitute({name: form.escape(text) for name, text in _line(item, receipt).items()})
        for item in receipt.items
    )


def _line(item: Item, receipt: Receipt) -> dict[str, str]:
    return {
        "quantity": str(item.quantity),
        "name": one_line(item.name),
        "brand_name": one_line(item.brand_name),
        "price": money(item.unit_price, receipt.currency_code),
        "total": money(item.unit_price * item.quantity, receipt.currency_code),
    }


_TEMPLATES: dict[str, Template] = {
    path.name: Template(path.read_text(encoding="utf-8"))
    for path in (files("mail") / "templates").iterdir()
    if path.name.endswith((".txt", ".html"))
}


def _template(name: str) -> Template:
    return _TEMPLATES[name]
