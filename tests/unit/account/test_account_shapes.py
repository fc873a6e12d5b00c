"""What may be said about an account."""

import time
from email.headerregistry import Address

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from account.routes.shapes import ATOM, LABEL, Email, Name, Opaque, Password, Phone, Registration, Request


def accepts(kind: object, text: str) -> bool:
    try:
        msgspec.convert(text, kind)
    except msgspec.ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    "email",
    ["ann@example.com", "Ann.O'Hara+shop@mail.example.co", "a@b", "x_y@1.example", f"{'a' * 64}@example.com"],
)
def test_mailboxes(email: str) -> None:
    assert accepts(Email, email)


@pytest.mark.parametrize(
    "email",
    [
        *("", "ann", "@example.com", "ann@", "ann@@example.com", "ann@exa mple.com", "ann@example.com\n"),
        *(".ann@example.com", "ann.@example.com", "a..b@example.com", "ann@-example.com", "ann@example..com"),
        *("ann@example.com.", "ann,bob@example.com", "ann@example.com,bob@example.com", "<ann@example.com>"),
        *("Ann <ann@example.com>", "ann@example.com\r\nBcc: x@example.com", "änn@example.com", "a@b\u2028"),
        *(f"{'a' * 65}@example.com", f"a@{'b' * 64}.com", f"a@{'.'.join(['bcd'] * 70)}", '"a b"@example.com'),
    ],
)
def test_no_mailboxes(email: str) -> None:
    assert not accepts(Email, email)


@given(
    st.lists(st.from_regex(rf"\A{ATOM}\Z"), min_size=1, max_size=3),
    st.lists(st.from_regex(rf"\A{LABEL}\Z"), min_size=1, max_size=3),
)
def test_every_mailbox_is_one_to_the_mailer_too(atoms: list[str], labels: list[str]) -> None:
    email = f"{'.'.join(atoms)}@{'.'.join(labels)}"
    assume(accepts(Email, email))
    assert Address(addr_spec=email).addr_spec == email


@pytest.mark.parametrize("phone", ["123456", "+123456789012345", "123456789012345"])
def test_phone_numbers(phone: str) -> None:
    assert accepts(Phone, phone)


@pytest.mark.parametrize(
    "phone", ["", "+", "12345", "1234567890123456", "12 34 56", "++123456", "123456\n", "١٢٣٤٥٦"]
)
def test_no_phone_numbers(phone: str) -> None:
    assert not accepts(Phone, phone)


def test_a_name_is_one_line_of_anything_visible() -> None:
    assert all(accepts(Name, name) for name in ("Ann", "Mary Ann", "李", "O'Hara", "x" * 100, "🙂"))
    assert not any(
        accepts(Name, name) for name in ("", " ", "\t", "a\tb", "a\x00", "a\n", "x" * 101, "a\x9f")
    )


def test_a_password_counts_code_points() -> None:
    assert accepts(Password, "🙂" * 8)
    assert accepts(Password, "🙂" * 128)
    assert not accepts(Password, "🙂" * 7)
    assert not accepts(Password, "🙂" * 129)


@pytest.mark.parametrize("kind", [Email, Name, Phone, Opaque])
@pytest.mark.parametrize(
    "text", ["a" * 60_000, "a." * 30_000, " " * 60_000, "a@" + "b-" * 30_000, "1" * 60_000 + "\n"]
)
def test_no_text_takes_long_to_refuse(kind: object, text: str) -> None:
    """Of the processor; a square of the length would be billions of steps."""
    begun = time.thread_time()
    assert not accepts(kind, text)
    assert time.thread_time() - begun < 1


def test_no_body_takes_what_it_does_not_know() -> None:
    bodies = Request.__subclasses__()
    assert Registration in bodies
    assert all(
        body.__struct_config__.forbid_unknown_fields and body.__struct_config__.frozen for body in bodies
    )
