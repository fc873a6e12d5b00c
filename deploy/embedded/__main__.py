"""`python -m deploy.embedded up|down|status|services|logs|doctor|migrate`: what the just recipes call."""

import argparse
import sys
from dataclasses import replace

from deploy.embedded import census, doctor, foreground, show
from deploy.embedded.errors import StackError
from deploy.embedded.stack import Stack


def arguments() -> argparse.Namespace:
    """One sub-command each."""
    parser = argparse.ArgumentParser(prog="just", description="The shop's embedded stack.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start everything; Ctrl-C stops it")
    up.add_argument("--detach", action="store_true", help="return when everything is ready")
    up.add_argument("--observe", action="store_true", help="with Prometheus and a viewer of traces")
    up.add_argument("--bare", action="store_true", help="only Postgres, NATS, Redis and the mail catcher")
    commands.add_parser("down", help="stop everything")
    status = commands.add_parser("status", help="what runs and where")
    status.add_argument("--json", action="store_true", help="for programs; exit code 3 when nothing runs")
    services = commands.add_parser("services", help="who answers over NATS")
    services.add_argument("--json", action="store_true", help="for programs")
    logs = commands.add_parser("logs", help="what a process wrote")
    logs.add_argument("process", nargs="?", help="its name; without one, the names")
    logs.add_argument("-f", "--follow", action="store_true", help="keep printing")
    logs.add_argument("-n", "--lines", type=int, default=100, help="how many lines to begin with")
    commands.add_parser("doctor", help="what is missing, which port is taken")
    commands.add_parser("migrate", help="bring every database to the newest schema")
    return parser.parse_args()


def run(given: argparse.Namespace) -> int:
    """Answer the exit code."""
    stack = Stack.from_environment()
    match given.command:
        case "up":
            start = foreground.detached if given.detach else foreground.attached
            return start(replace(stack, observe=given.observe), bare=given.bare)
        case "down":
            return foreground.down(stack)
        case "status":
            return show.status(stack, as_json=given.json)
        case "services":
            return census.show(stack, as_json=given.json)
        case "logs":
            return show.logs(stack, given.process, given.lines, follow=given.follow)
        case "doctor":
            return doctor.examine(stack)
        case _:
            stack.as_running().migrate()
            return 0


def main() -> int:
    """Errors of ours are one line; Ctrl-C is no error."""
    try:
        return run(arguments())
    except StackError as error:
        sys.stdout.flush()
        print(error, file=sys.stderr)
        return 1
    except (KeyboardInterrupt, BrokenPipeError):
        return 130


if __name__ == "__main__":
    sys.exit(main())
