"""Whose address counts, whatever stands in the headers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.http.clients import UNKNOWN, Proxies

EDGE = "172.18.0.5"
PROXIES = Proxies(["172.18.0.0/16", "127.0.0.0/8", "::1/128"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        (EDGE, ["203.0.113.7"], "203.0.113.7"),
        (EDGE, ["198.51.100.1", "203.0.113.7"], "203.0.113.7"),
        (EDGE, ["203.0.113.7", "172.18.0.9"], "203.0.113.7"),
        (EDGE, ["172.18.0.1"], "172.18.0.1"),
        (EDGE, [], EDGE),
        (EDGE, ["not an address"], EDGE),
        (EDGE, ["203.0.113.7", "_hidden"], EDGE),
        ("::1", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        ("::ffff:127.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("2001:db8:1:2::9", [], "2001:db8:1:2::/64"),
        ("", ["203.0.113.7"], UNKNOWN),
    ],
)
def test_the_rightmost_hop_that_is_no_proxy_of_ours(peer: str, forwarded: list[str], client: str) -> None:
    assert PROXIES.client(peer, forwarded) == client


addresses = st.ip_addresses().map(str) | st.text(max_size=20)


@given(st.lists(addresses))
def test_what_a_client_writes_changes_nothing(written: list[str]) -> None:
    assert PROXIES.client(EDGE, [*written, "203.0.113.7"]) == "203.0.113.7"
    assert PROXIES.client("203.0.113.7", written) == "203.0.113.7"
