"""From which address a request comes, whatever it says about itself."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from litestar.connection import ASGIConnection

Connection = ASGIConnection[Any, Any, Any, Any]
Address = IPv4Address | IPv6Address

UNKNOWN = "unknown"
HOUSEHOLD = 64
"""Bits of an IPv6 address: whoever has one has all that begin with these."""


class Proxies:
    """Those whose X-Forwarded-For is believed; nothing else, such as X-Real-IP or Forwarded, ever is."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = [ip_network(network) for network in networks]

    def client_of(self, connection: Connection) -> str:
        peer = connection.client.host if connection.client else ""
        lines = connection.headers.getall("X-Forwarded-For", [])
        return self.client(peer, [hop.strip() for line in lines for hop in line.split(",")])

    def client(self, peer: str, forwarded: Sequence[str]) -> str:
        """The rightmost hop that is no proxy of ours. What stands left of it was written by anybody."""
        nearest = _parsed(peer)
        for hop in reversed(forwarded):
            if nearest is None or not self._is_ours(nearest):
                break
            further = _parsed(hop)
            if further is None:
                break
            nearest = further
        return UNKNOWN if nearest is None else _household(nearest)

    def _is_ours(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def _parsed(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _household(address: Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((address, HOUSEHOLD), strict=False))
