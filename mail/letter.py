"""Facts into words: a text and an HTML part, from templates that escape what strangers wrote."""

import html
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.headerregistry import Address, HeaderRegistry
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from functools import cache, lru_cache
from typing import Any, NamedTuple

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
    escape: Escape


TEXT = Form("txt", lambda text: text)
HTML = Form("html", html.escape)


class Headers(HeaderRegistry):
    """Makes the class of each kind of header once, and not for each header."""

    def __init__(self) -> None:
        super().__init__()
        self._classes: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        made = self._classes.get(name)
        if made is None:
            made = self._classes[name] = super().__getitem__(name)
        return made


POLICY = SMTP.clone(header_factory=Headers())


class Desk(NamedTuple):
    """Who writes, in which language, and the domain that the ids of letters belong to."""

    sender: Address
    domain: str
    language: Language

    @classmethod
    def of(cls, sender: str, *, domain: str, language: Language) -> "Desk":
        name, address = parseaddr(sender)
        return cls(Address(display_name=name, addr_spec=mailbox(address)), domain, language)

    def letter(self, mail: Mail, accepted_at: datetime) -> EmailMessage:
        """Byte for byte the same for every repetition. Raises NotAnAddress."""
        letter = EmailMessage(policy=POLICY)
        letter["Message-ID"] = f"<{mail.key.id}@{self.domain}>"
        letter["Date"] = accepted_at
        letter["From"] = _header("From", str(self.sender))
        letter["To"] = Address(addr_spec=mailbox(mail.to.mailbox))
        letter["Subject"] = _header("Subject", self.language.words.subjects[mail.kind])
        letter["Auto-Submitted"] = _header("Auto-Submitted", "auto-generated")
        letter["MIME-Version"] = _header("MIME-Version", "1.0")
        letter["Content-Type"] = _header("Content-Type", f'multipart/alternative; boundary="{BOUNDARY}"')
        letter.attach(_part("text/plain", _body(TEXT, mail, self.language)))
        letter.attach(_part("text/html", _body(HTML, mail, self.language)))
        return letter


@cache
def _header(name: str, value: str) -> Any:
    """Parsed and folded once: that is most of the work of a letter. Folding depends on the policy alone."""
    header = POLICY.header_factory(name, value)
    header.fold = lru_cache(maxsize=4)(header.fold)
    return header


def _part(kind: str, text: str) -> EmailMessage:
    """As it is, readable on the wire; re-encoded only for a server that cannot take eight bits.

    No line is too long for that: the templates keep their own short, and strangers' texts are clipped.
    """
    part = EmailMessage(policy=POLICY)
    part["Content-Type"] = _header("Content-Type", f'{kind}; charset="utf-8"')
    part["Content-Transfer-Encoding"] = _header(
        "Content-Transfer-Encoding", "7bit" if text.isascii() else "8bit"
    )
    part.set_payload(text.encode().decode("ascii", "surrogateescape"))
    return part


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
