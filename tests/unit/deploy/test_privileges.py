"""Rights are derived: nobody is forgotten, nobody is given somebody else's."""

import fnmatch
from itertools import combinations

import pytest

from common.contracts.message import subject
from common.messaging.codec import words
from common.messaging.services import CONTROL
from common.messaging.streams import CONSUMERS, SPEAKERS, STREAM
from deploy.embedded import services
from deploy.embedded.layout import WITH_DATABASE
from deploy.privileges import nats, redis
from purchase.progress import CHANNEL

USERS = nats.users(services.present())
EVERYBODYS = {f"{CONTROL}.{verb}" for verb in ("PING", "INFO", "STATS")}


def test_every_word_is_said_by_exactly_one_service() -> None:
    said = [subject(word) for service in services.present() for word in nats.says(service)]
    assert sorted(said) == sorted(subject(word) for word in words(*SPEAKERS))


def test_only_the_orchestrator_commands() -> None:
    for user, rights in USERS.items():
        commands = [each for each in rights.publishes if each.startswith("cmd.")]
        assert bool(commands) == (user == "orchestrator")
        assert (
            not [each for each in rights.publishes if each.startswith("evt.")] or user in services.present()
        )


def test_whoever_has_a_consumer_pulls_from_it_and_from_no_other() -> None:
    for user, rights in USERS.items():
        pulled = {each.rpartition(".")[2] for each in rights.publishes if ".MSG.NEXT." in each}
        assert pulled == {hears.durable for hears in CONSUMERS if hears.durable.split("_")[0] == user}


def test_whoever_has_an_outbox_sees_whether_the_stream_is_a_new_one() -> None:
    for service in services.present():
        sees = f"$JS.API.STREAM.INFO.{STREAM}" in USERS[service].publishes
        assert sees == (service in WITH_DATABASE)


@pytest.mark.parametrize("pair", list(combinations(USERS, 2)), ids="-".join)
def test_no_two_users_share_an_inbox_or_a_question(pair: tuple[str, str]) -> None:
    one, other = (set(USERS[user].subscribes) - EVERYBODYS for user in pair)
    assert not one & other


def test_no_service_may_delete_purge_or_create() -> None:
    for user, rights in USERS.items():
        for each in rights.publishes:
            assert not {"DELETE", "PURGE"} & set(each.split("."))
            assert user == nats.PROVISIONER or not {"CREATE", "UPDATE"} & set(each.split("."))


def test_an_empty_list_of_rights_is_a_refusal_of_everything() -> None:
    block = nats.authorization({"nobody": nats.Rights((), ())}, lambda _: "secret")
    assert '"publish": {"deny": [">"]}, "subscribe": {"deny": [">"]}' in block


def test_prefixes_at_redis_belong_to_one_service_each() -> None:
    owned = [
        prefix
        for rights in redis.SERVICES.values()
        for prefix in {each.split(":")[0] for each in (*rights.keys, rights.channels) if each}
    ]
    assert len(owned) == len(set(owned))
    assert fnmatch.fnmatch(CHANNEL, redis.SERVICES["purchase"].channels)


def test_a_server_without_the_module_hears_of_none_of_its_commands() -> None:
    """It would not start."""
    told = "\n".join(redis.lines(redis.users(), str, has_module=False))
    assert "+cf." not in told
    assert "+bf." not in told
    assert "+cf.mexists" in "\n".join(redis.lines(redis.users(), str))


def test_nobody_at_redis_has_a_whole_category_or_a_dangerous_command() -> None:
    dangerous = {
        "flushall",
        "flushdb",
        "config",
        "eval",
        "keys",
        "scan",
        "debug",
        "shutdown",
        "acl",
        "module",
    }
    for rights in redis.users().values():
        assert not [each for each in rights.commands if each.startswith("@")]
        assert not dangerous & set(rights.commands)
