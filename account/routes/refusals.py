"""Every no of the account service."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil

from account.model import Taken
from account.passwords import Busy, Passwords
from account.proofs import TooManyCodes
from common.http.errors import InvalidField, Refused

CHALLENGE = {"WWW-Authenticate": "Bearer"}
TAKEN = {
    "email": ("email_taken", "Another account has this e-mail address."),
    "phone_number": ("phone_taken", "Another account has this phone number."),
}


def bad_credentials() -> Refused:
    return Refused(401, "bad_credentials", "Unknown user or wrong password.", headers=CHALLENGE)


def invalid_refresh_token() -> Refused:
    return Refused(401, "invalid_refresh_token", "Sign in again.", headers=CHALLENGE)


def inactive() -> Refused:
    return Refused(403, "inactive", "This account is switched off.")


def invalid_code() -> Refused:
    return InvalidField("code", "This code is wrong, used, or no longer valid.", code="invalid_code")


def already_verified() -> Refused:
    return Refused(409, "already_verified", "This e-mail address is confirmed already.")


def wrong_password() -> Refused:
    return InvalidField("current_password", "This is not your password.", code="wrong_password")


def password_too_common() -> Refused:
    return InvalidField("password", "Too many people use this password.", code="password_too_common")


def own_account() -> Refused:
    return Refused(409, "own_account", "Another administrator has to do this to you.")


def unverified() -> Refused:
    return Refused(409, "not_verified", "An administrator needs a confirmed e-mail address.")


def nothing_to_change() -> Refused:
    return Refused(400, "invalid", "Say what is to change.")


@contextmanager
def taken_is_refused() -> Iterator[None]:
    try:
        yield
    except Taken as taken:
        code, detail = TAKEN[taken.field]
        raise InvalidField(taken.field, detail, code=code, status=409) from taken


@contextmanager
def busy_is_refused() -> Iterator[None]:
    try:
        yield
    except Busy as error:
        raise Refused(429, "busy", "Try again shortly.", headers={"Retry-After": "1"}) from error


@contextmanager
def too_many_codes_is_refused() -> Iterator[None]:
    try:
        yield
    except TooManyCodes as error:
        headers = {"Retry-After": str(max(1, ceil(error.wait)))}
        detail = "Too many codes were sent; use the last one."
        raise Refused(429, "too_many_codes", detail, headers=headers) from error


def refuse_common(passwords: Passwords, password: str) -> None:
    """Raises Refused."""
    if passwords.is_common(password):
        raise password_too_common()
