"""Every no of the account service."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil

from account.model import Taken
from account.passwords import Busy
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


def too_many_codes(wait: float) -> Refused:
    headers = {"Retry-After": str(max(1, ceil(wait)))}
    return Refused(429, "too_many_codes", "Too many codes were sent; use the last one.", headers=headers)


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
