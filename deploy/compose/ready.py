"""`python -IS deploy/compose/ready.py [PATH]`: a container's health check. It imports little."""

import os
import socket
import sys


def main() -> int:
    path = sys.argv[1] if len(sys.argv) > 1 else "/readyz"
    with socket.create_connection(("127.0.0.1", int(os.environ.get("PORT", "8000"))), timeout=4) as asked:
        asked.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        answer = asked.makefile("rb").readline()
    return 0 if answer.split()[1:2] == [b"200"] else 1


if __name__ == "__main__":
    sys.exit(main())
