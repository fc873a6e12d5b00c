"""Token and state, cell by cell: the newer of the two counts."""

from importlib import import_module

import pytest
from msgspec.structs import replace

from common.http.auth import Caller, Unauthorized, judged
from common.ids import new_id
from common.messaging.streams import CONSUMERS, STANDING
from common.standing.repository import State
from deploy.docs.routes import SERVED

SIGNED = Caller(
    account_id=new_id(), session_id=new_id(), version=3, role="customer", verified=True, expires_at=9e9
)
ADMIN = replace(SIGNED, role="admin")
UNVERIFIED = replace(SIGNED, verified=False)


def state(
    version: int, *, verified: bool = True, active: bool = True, role: str = "customer", least: int = 1
) -> State:
    return State(version, verified, active, role, least)


LET_IN = {
    "nothing is known of the account": (SIGNED, None, SIGNED),
    "an older state": (SIGNED, state(2), SIGNED),
    "an older state, before the verification": (SIGNED, state(2, verified=False), SIGNED),
    "an older state, before the promotion": (ADMIN, state(2), ADMIN),
    "an older state, while it was inactive": (SIGNED, state(2, active=False), SIGNED),
    "the state that it was signed from": (SIGNED, state(3), SIGNED),
    "signed from the first that counts": (SIGNED, state(9, least=3), SIGNED),
    "a new address": (SIGNED, state(4), SIGNED),
    "verified since": (UNVERIFIED, state(4), SIGNED),
    "unverified since": (SIGNED, state(4, verified=False), UNVERIFIED),
    "promoted since": (SIGNED, state(4, role="admin"), ADMIN),
    "demoted since": (ADMIN, state(4), SIGNED),
    "demoted and unverified since": (ADMIN, state(4, verified=False), UNVERIFIED),
}
TURNED_AWAY = {
    "switched off since": (SIGNED, state(4, active=False)),
    "an administrator, switched off since": (ADMIN, state(4, active=False, role="admin")),
    "older than what counts": (SIGNED, state(4, least=4)),
    "much older than what counts": (SIGNED, state(900, least=4)),
    "older than what counts, and switched off": (SIGNED, state(5, active=False, least=5)),
}


@pytest.mark.parametrize(("caller", "known", "expected"), LET_IN.values(), ids=LET_IN)
def test_the_newer_counts(caller: Caller, known: State | None, expected: Caller) -> None:
    assert judged(caller, known, has_ended=False) == expected


@pytest.mark.parametrize(("caller", "known"), TURNED_AWAY.values(), ids=TURNED_AWAY)
def test_what_counts_no_more_is_401(caller: Caller, known: State) -> None:
    with pytest.raises(Unauthorized) as refused:
        judged(caller, known, has_ended=False)
    assert (refused.value.status_code, refused.value.code) == (401, "unauthorized")


@pytest.mark.parametrize(("caller", "known", "_"), LET_IN.values(), ids=LET_IN)
def test_a_session_that_has_ended_ends_every_token_of_it(
    caller: Caller, known: State | None, _: Caller
) -> None:
    with pytest.raises(Unauthorized):
        judged(caller, known, has_ended=True)


@pytest.mark.parametrize("service", sorted(SERVED.keys() - {"account"}))
def test_every_service_with_guarded_routes_hears_who_may_still_call(service: str) -> None:
    """Account itself asks its own tables."""
    [hears] = [each for each in CONSUMERS if each.durable == service]
    assert set(STANDING) <= set(hears.words)
    assert {"account_state", "ended_session"} <= import_module(f"{service}.tables").METADATA.tables.keys()
