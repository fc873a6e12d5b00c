"""Whose streams stay open."""

from contextlib import ExitStack
from uuid import UUID

from common.http.auth import Caller
from common.ids import new_id
from common.postgres.database import Database
from purchase.followers import Follower, Followers

NO_DATABASE: Database = None  # type: ignore[assignment]  # nothing is read here


def caller(account_id: UUID) -> Caller:
    return Caller(
        account_id=account_id,
        session_id=new_id(),
        version=1,
        role="customer",
        verified=True,
        expires_at=9e9,
    )


def test_only_the_streams_of_who_may_not_call_any_more_are_closed() -> None:
    ann, bob = new_id(), new_id()
    leaving, staying, other = caller(ann), caller(ann), caller(bob)
    good = {leaving, staying, other}
    followers = Followers(NO_DATABASE, good.__contains__)
    with ExitStack() as stack:
        streams = {
            each: stack.enter_context(followers.follow(Follower(new_id(), each, of_account=False)))
            for each in good
        }
        good.discard(leaving)
        followers.look_at({bob, new_id()})
        assert not any(each.is_closed for each in streams.values())
        followers.look_at({ann})
        assert {each for each, stream in streams.items() if stream.is_closed} == {leaving}
        assert followers.count(ann) == 2
    assert followers.count(ann) == 0


def test_a_stream_that_opens_a_moment_too_late_is_closed_at_once() -> None:
    """Let in, and then, before it was registered, the session ended."""
    followers = Followers(NO_DATABASE, lambda _: False)
    with followers.follow(Follower(new_id(), caller(new_id()), of_account=True)) as stream:
        assert stream.is_closed


def test_a_stream_that_was_let_in_just_before_a_stop_ends_with_it() -> None:
    followers = Followers(NO_DATABASE, lambda _: True)
    followers.stop()
    with followers.follow(Follower(new_id(), caller(new_id()), of_account=True)) as stream:
        assert stream.is_closed
