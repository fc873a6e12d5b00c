"""The shop of a campaign."""

from dataclasses import replace
from pathlib import Path

from deploy.chaos.arena import WiredStack


def test_its_plan_which_writes_its_settings_is_made_once(tmp_path: Path) -> None:
    """A server that is started again must not find them as a shop has them, without wires and ledger."""
    stack = WiredStack(home=tmp_path, port_base=9000)
    plan = stack.plan()
    assert replace(stack, replicas=stack.replicas).plan() is plan
