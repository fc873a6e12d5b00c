"""Whose streams stay open."""

from uuid import UUID

from common.http.auth import Caller
from common.ids import new_id
from common.postgres.database import Database
from purchase.followers import MOST_WAITING, Follower, Followers, encoded

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


def following(followers: Followers, who: Caller) -> Follower:
    stream = Follower(new_id(), who, of_account=False)
    followers.add(stream)
    return stream


def test_only_the_streams_of_who_may_not_call_any_more_are_closed() -> None:
    ann, bob = new_id(), new_id()
    leaving, staying, other = caller(ann), caller(ann), caller(bob)
    good = {leaving, staying, other}
    followers = Followers(NO_DATABASE, good.__contains__)
    streams = {each: following(followers, each) for each in good}
    good.discard(leaving)
    followers.look_at({bob, new_id()})
    assert not any(each.is_closed for each in streams.values())
    followers.look_at({ann})
    assert {each for each, stream in streams.items() if stream.is_closed} == {leaving}
    assert followers.count(ann) == 2
    for stream in streams.values():
        followers.remove(stream)
    assert followers.count(ann) == 0


def test_a_stream_that_opens_a_moment_too_late_is_closed_at_once() -> None:
    """Let in, and then, before it was registered, the session ended."""
    followers = Followers(NO_DATABASE, lambda _: False)
    assert following(followers, caller(new_id())).is_closed


def test_a_stream_that_was_let_in_just_before_a_stop_ends_with_it() -> None:
    followers = Followers(NO_DATABASE, lambda _: True)
    followers.stop()
    assert following(followers, caller(new_id())).is_closed


def test_a_queue_that_is_full_is_read_from_the_log_instead() -> None:
    stream = Follower(new_id(), caller(new_id()), of_account=True)
    for number in range(1, MOST_WAITING + 2):
        stream.offer(encoded(number, "step", "{}", None))
    assert stream.take() is None
    assert stream.starts_reading()
    stream.read([encoded(number, "step", "{}", None) for number in (1, 2)], most=2)
    assert [each[0] for each in iter(stream.take, None)] == [1, 2]
    assert stream.starts_reading(), "there may be more"
