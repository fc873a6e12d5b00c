"""Are the ports free, and if not, who has them?"""

import errno
import socket
from collections.abc import Iterable

import psutil

from deploy.embedded.errors import PortTaken
from deploy.embedded.layout import SPAN


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
    return [f"port {port} ({name}) is taken by {holder(port)}" for name, port in wanted if not is_free(port)]


def free_base(beyond: int) -> int | None:
    """The next base with a hundred free ports."""
    bases = range(beyond + SPAN, 65_535 - SPAN, SPAN)
    return next((base for base in bases if all(is_free(base + offset) for offset in range(SPAN))), None)


def way_out(base: int) -> str:
    """The setting that helps."""
    return f"SHOP_PORT_BASE={free_base(base) or '...'} would move the whole stack to free ports"


def require_free(wanted: Iterable[tuple[str, int]], base: int) -> None:
    """Refuse, in one line, to start on ports somebody else has."""
    taken = complaints(wanted)
    if taken:
        more = f" (and {len(taken) - 1} more; ./just doctor lists them)" if taken[1:] else ""
        raise PortTaken(f"{taken[0]}{more}; {way_out(base)}")
