"""Whatever strangers write, the real catcher gets one recipient and no header more (CVE-2024-6923)."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.contracts.message import Item
from common.ids import new_id
from mail.language import Language
from mail.letter import Desk
from mail.mailer import Mailer
from mail.model import Addressee, Failure, Mail, NotAnAddress, Receipt, Verdict
from mail.settings import MailSettings
from tests.integration.mail.wire import Caught

DESK = Desk.of("Shop <shop@localhost>", domain="shop.example", language=Language.read("vi"))
HEADERS = {
    *("Message-Id", "Date", "From", "To", "Subject", "Auto-Submitted"),
    *("Mime-Version", "Content-Type"),
}
BREAKS = ["\r\n", "\n", "\r", "\x85", "\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\x00"]
ATTACKS = [
    "Bcc: eve@example.org",
    ", eve@example.org",
    "<eve@example.org>",
    ".",
    "\r\n.\r\nRCPT TO:<eve@example.org>",
]
HOSTILE = st.lists(
    st.sampled_from([*BREAKS, *ATTACKS, "=?utf-8?q?=0ABcc:?=", "a"]) | st.text(max_size=5)
).map("".join)
FUZZED = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def deliver(mail_settings: MailSettings, mail: Mail) -> None:
    async with Mailer(mail_settings).connected() as connection:
        outcome = await connection.send(
            DESK.letter(mail, datetime.now(UTC)), sender="shop@localhost", recipient=mail.to.mailbox
        )
    assert outcome.verdict is Verdict.SENT


async def check(caught: Caught, mailbox: str) -> None:
    [mail] = await caught.to(mailbox)
    assert mail["Raw"]["To"] == [mailbox]
    assert {name.title() for name in mail["Content"]["Headers"]} == HEADERS
    assert all(len(values) == 1 for values in mail["Content"]["Headers"].values())
    assert mail["Content"]["Headers"]["To"] == [mailbox]
    assert len(mail["MIME"]["Parts"]) == 2


@FUZZED
@given(name=HOSTILE, product=HOSTILE)
async def test_no_name_of_a_person_or_a_product_adds_a_header_or_a_recipient(
    mail_settings: MailSettings, caught: Caught, name: str, product: str
) -> None:
    to = Addressee(f"{new_id().hex}@example.org", name)
    items = (Item(product_id=new_id(), quantity=1, name=product, brand_name=product, unit_price=1),)
    await deliver(mail_settings, Mail(about=new_id(), to=to, content=Receipt(items, 1, "VND")))
    await check(caught, to.mailbox)


@FUZZED
@given(local=HOSTILE, domain=HOSTILE)
async def test_no_address_adds_a_header_or_a_recipient(
    mail_settings: MailSettings, caught: Caught, local: str, domain: str
) -> None:
    mailbox = f"{local}{new_id().hex}@example{domain}"
    mail = Mail(about=new_id(), to=Addressee(mailbox), content=Failure("deadline"))
    try:
        await deliver(mail_settings, mail)
    except NotAnAddress:
        return
    await check(caught, mailbox)


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("line_break", BREAKS)
def test_every_kind_of_line_break_in_an_address_is_refused_before_any_server_is_asked(
    line_break: str, attack: str
) -> None:
    mail = Mail(about=new_id(), to=Addressee(f"an@example.org{line_break}{attack}"), content=Failure("x"))
    with pytest.raises(NotAnAddress):
        DESK.letter(mail, datetime.now(UTC))
