"""Caught mail in MailHog's shape."""

from email.message import EmailMessage

import psutil

from deploy.embedded.mailbox import Mail, Mailbox
from deploy.embedded.mailcatcher import summary


def caught(to: str = "anne@example.com", subject: str = "Hello", text: str = "12345678") -> Mail:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@example.com", to, subject
    message.set_content(text)
    message.add_alternative(f"<b>{text}</b>", subtype="html")
    return Mail.caught("shop@example.com", [to], message.as_bytes(), "client")


def test_a_mail_looks_as_mailhog_would_show_it() -> None:
    mail = caught().as_json()
    assert mail["From"] == {"Relays": None, "Mailbox": "shop", "Domain": "example.com", "Params": ""}
    content, mime = mail["Content"], mail["MIME"]
    assert isinstance(content, dict)
    assert isinstance(mime, dict)
    assert content["Headers"]["Subject"] == ["Hello"]
    assert [part["Body"].strip() for part in mime["Parts"]] == ["12345678", "<b>12345678</b>"]


def test_a_plain_mail_has_its_text_in_the_body_and_no_parts() -> None:
    mail = Mail.caught("a@b.c", ["d@e.f"], b"Subject: x\r\n\r\n12345678\r\n", "").as_json()
    assert mail["MIME"] is None
    content = mail["Content"]
    assert isinstance(content, dict)
    assert content["Body"] == "12345678\r\n"


def test_search_knows_sender_recipient_and_text_and_ignores_case() -> None:
    mailbox = Mailbox()
    mailbox.put(caught("anne@example.com", text="first"))
    mailbox.put(caught("bert@example.com", text="second"))
    assert [mail.recipients for mail in mailbox.page("to", "ANNE@")] == [["anne@example.com"]]
    assert mailbox.count("from", "shop@") == len(mailbox.page("from", "SHOP@")) == 2
    assert mailbox.count("containing", "Second") == len(mailbox.page("containing", "Second")) == 1
    assert mailbox.page("whatever", "first") == []


def test_the_newest_come_first_and_the_oldest_are_forgotten() -> None:
    mailbox = Mailbox(kept=2)
    for number in range(3):
        mailbox.put(caught(f"{number}@example.com"))
    assert [mail.recipients[0][0] for mail in mailbox.page()] == ["2", "1"]


def test_a_search_folds_the_letters_of_every_language() -> None:
    mailbox = Mailbox()
    mailbox.put(Mail.caught("ÄNNE@example.com", ["bert@example.com"], "Đà Nẵng".encode(), ""))
    assert mailbox.count("containing", "ĐÀ NẴNG") == 1
    assert mailbox.count("from", "änne") == 1


def test_pages_are_slices_of_the_whole() -> None:
    mailbox = Mailbox()
    for number in range(5):
        mailbox.put(caught(f"{number}@example.com"))
    assert [mail.recipients[0][0] for mail in mailbox.page(start=1, limit=2)] == ["3", "2"]
    assert mailbox.page(start=5, limit=2) == []
    assert [mail.recipients[0][0] for mail in mailbox.page("to", "@", start=4, limit=9)] == ["0"]


def test_what_is_caught_takes_no_memory() -> None:
    mailbox = Mailbox()
    mailbox.put(caught())
    before = psutil.Process().memory_info().rss
    for _ in range(4_000):
        mailbox.put(Mail.caught("a@b.c", ["d@e.f"], bytes(10_000), ""))
    assert psutil.Process().memory_info().rss - before < 8_000_000, "of forty"
    assert mailbox.count() == 4_001


def test_one_mail_or_all_can_be_removed() -> None:
    mailbox = Mailbox()
    first, second = caught(), caught()
    mailbox.put(first)
    mailbox.put(second)
    mailbox.remove(first.id)
    assert mailbox.page() == [second]
    mailbox.remove()
    assert mailbox.find(second.id) is None


def test_the_page_shows_mail_as_text_and_never_as_markup() -> None:
    shown = summary(caught(subject="<script>alert(1)</script>", text="<img src=x>"))
    assert "<script>" not in shown
    assert "<img" not in shown
