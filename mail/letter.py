"""Facts into words: a text and an HTML part, from templates that escape what strangers wrote."""

import html
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import cache
from typing import NamedTuple

from common.contracts.message import Item
from mail.language import Language
from mail.model import Change, Code, Failure, Mail, Move, Receipt, mailbox, one_line
from mail.money import money

BOUNDARY = "=_shop_="
"""No part can hold it: only templates write the beginnings of lines."""

Escape = Callable[[str], str]


class Form(NamedTuple):
    """One of the two parts of every mail."""

    suffix: str
    kind: str
    escape: Escape


TEXT = Form("txt", "text/plain", lambda text: text)
HTML = Form("html", "text/html", html.escape)


class Desk(NamedTuple):
    """Who writes, in which language, and the domain that the ids of letters belong to."""

    sender: Address
    domain: str
    language: Language

    @classmethod
    def of(cls, sender: str, *, domain: str, language: Language) -> "Desk":
        name, address = parseaddr(sender)
        return cls(Address(display_name=name, addr_spec=mailbox(address)), domain, language)

    def letter(self, mail: Mail, accepted_at: datetime) -> bytes:
        """As it goes over the wire, byte for byte the same for every repetition. Raises NotAnAddress.

        What differs between letters of a kind needs no folding and no encoding: the email package would take
        ten times as long to find that out, for every receipt anew.
        """
        own = f"Message-ID: <{mail.key.id}@{self.domain}>\r\nDate: {format_datetime(accepted_at)}\r\n"
        to = f"To: {mailbox(mail.to.mailbox)}\r\n"
        parts = [_part(form, _body(form, mail, self.language)) for form in (TEXT, HTML)]
        head = _head(str(self.sender), self.language.words.subjects[mail.kind])
        return b"".join(
            [own.encode("ascii"), to.encode("ascii"), head, *parts, f"--{BOUNDARY}--\r\n".encode()]
        )


@cache
def _head(sender: str, subject: str) -> bytes:
    """What the letters of a kind have in common."""
    head = EmailMessage(policy=SMTP)
    head["From"] = sender
    head["Subject"] = subject
    head["Auto-Submitted"] = "auto-generated"
    head["MIME-Version"] = "1.0"
    kind = f'Content-Type: multipart/alternative; boundary="{BOUNDARY}"\r\n\r\n'
    return head.as_bytes().removesuffix(b"\r\n") + kind.encode()


def _part(form: Form, text: str) -> bytes:
    """As it is, readable on the wire: the templates keep their lines short, and strangers' are clipped."""
    encoding = "7bit" if text.isascii() else "8bit"
    head = f'--{BOUNDARY}\r\nContent-Type: {form.kind}; charset="utf-8"\r\n'
    content = text.replace("\n", "\r\n")
    return f"{head}Content-Transfer-Encoding: {encoding}\r\n\r\n{content}\r\n".encode()


def _body(form: Form, mail: Mail, language: Language) -> str:
    facts = {name: form.escape(text) for name, text in _facts(mail, language).items()}
    if isinstance(mail.content, Receipt):
        facts["lines"] = _lines(form, mail.content, language)  # escaped already
    return language.templates[f"{mail.kind}.{form.suffix}"].substitute(facts)


def _facts(mail: Mail, language: Language) -> dict[str, str]:
    """What the templates' names stand for, not escaped yet."""
    words = language.words
    match mail.content:
        case Code(code, expires_at):
            return {"code": code, "expires_at": expires_at.astimezone(UTC).strftime(words.moment)}
        case Change(changed_on) | Move(changed_on):
            return {"changed_on": changed_on.strftime(words.day)}
        case Receipt(_, total, currency_code):
            return _greeting(mail, language) | {"total": _amount(total, currency_code, language)}
        case Failure(reason):
            return _greeting(mail, language) | {"reason": words.reasons.get(reason, words.any_reason)}


def _greeting(mail: Mail, language: Language) -> dict[str, str]:
    return {"name": one_line(mail.to.name) or language.words.customer, "about": str(mail.about)}


def _lines(form: Form, receipt: Receipt, language: Language) -> str:
    template = language.templates[f"line.{form.suffix}"]
    return "".join(
        template.substitute(
            {name: form.escape(text) for name, text in _line(item, receipt, language).items()}
        )
        for item in receipt.items
    )


def _line(item: Item, receipt: Receipt, language: Language) -> Mapping[str, str]:
    return {
        "quantity": str(item.quantity),
        "name": one_line(item.name),
        "brand_name": one_line(item.brand_name),
        "price": _amount(item.unit_price, receipt.currency_code, language),
        "total": _amount(item.unit_price * item.quantity, receipt.currency_code, language),
    }


def _amount(minor_units: int, currency_code: str, language: Language) -> str:
    words = language.words
    return money(minor_units, currency_code, thousands=words.thousands, point=words.point)
