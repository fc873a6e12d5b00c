"""Are the ports free, and if not, who has them?"""

import errno
import socket
from collections.abc import Iterable

import psutil

from deploy.embedded.errors import PortTaken


def is_free(port: int) -> bool:
    """Whether we could listen there now; a connection still winding down does not count."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            return error.errno != errno.EADDRINUSE
        return True


def holder(port: int) -> str:
    """The program that listens there, as far as we may see it."""
    try:
        known = psutil.net_connections(kind="tcp")
    except (psutil.AccessDenied, OSError):
        return "another program"
    for each in known:
        if each.laddr and each.laddr.port == port and each.status == psutil.CONN_LISTEN and each.pid:
            try:
                return f"{psutil.Process(each.pid).name()} (pid {each.pid})"
            except psutil.Error:
                return f"pid {each.pid}"
    return "another program"


def complaints(wanted: Iterable[tuple[str, int]]) -> list[str]:
    """One line per port that is taken."""
    return [
        f"port {port} ({name}) is taken by {holder(port)}; SHOP_PORT_BASE=9000 would move the whole stack"
        for name, port in wanted
        if not is_free(port)
    ]


def require_free(wanted: Iterable[tuple[str, int]]) -> None:
    """Refuse to start on ports somebody else has."""
    taken = complaints(wanted)
    if taken:
        raise PortTaken("\n".join(taken))
