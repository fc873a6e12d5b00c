"""The saga as pictures, from its declaration."""

from collections.abc import Iterator

from common.contracts import mail
from common.contracts.message import Command, Message, subject
from common.messaging.streams import CONSUMERS
from deploy.docs.pages import fenced
from orchestrator.purchase import PURCHASE
from purchase.model import ACKNOWLEDGEMENTS

ARBITER = "purchase"
HEARD_BY_ARBITER = next(hears for hears in CONSUMERS if hears.durable == ARBITER).words


def flow() -> str:
    """Forward to the arbiter; what a decision leads to."""
    return fenced("mermaid", ["flowchart TD", *(f"  {line}" for line in _flow())])


def _flow() -> Iterator[str]:
    yield 'asked(["POST /purchases"]) --> pending{{"PENDING: the row that decides"}}'
    yield f"pending -- {_verb(PURCHASE.started)} --> {PURCHASE.steps[0].name}"
    for step, after in zip(PURCHASE.steps, [*PURCHASE.steps[1:], None], strict=True):
        yield f'{step.name}["{_owner(step.command)}: {_verb(step.command)}"]'
        yield f"{step.name} -- {_verb(step.done)} --> {after.name if after else 'complete'}"
        yield f"{step.name} -. {_verb(step.refused)} .-> fail"
    yield f'complete["{ARBITER}: {_verb(PURCHASE.complete)}"] --> COMPLETED'
    yield f'fail["{ARBITER}: fail"] --> FAILED'
    yield "pending -. deadline .-> TIMED_OUT"
    yield "pending -. the customer cancels .-> FAILED"
    yield f"COMPLETED --> closing[{_all(_closing())}]"
    yield f"FAILED & TIMED_OUT --> undoing[{_all(_undoing())}]"
    yield "closing & undoing -- all confirmed --> settled([settled])"


def story() -> str:
    """The same as a conversation; every arrow is a message through an outbox and the stream."""
    return fenced("mermaid", ["sequenceDiagram", *(f"  {line}" for line in _story())])


def _story() -> Iterator[str]:
    participants = [ARBITER, "orchestrator", *(_owner(step.command) for step in PURCHASE.steps), "mail"]
    yield "actor browser"
    yield from (f"participant {name}" for name in participants)
    yield f"browser->>{ARBITER}: POST /purchases"
    yield f"{ARBITER}-->>browser: 202, then server-sent events"
    yield f"{ARBITER}->>orchestrator: {_verb(PURCHASE.started)}"
    for step in PURCHASE.steps:
        yield f"orchestrator->>{_owner(step.command)}: {_verb(step.command)}"
        yield f"{_owner(step.command)}-->>orchestrator: {_verb(step.done)}"
        if step.done in HEARD_BY_ARBITER:
            yield f"{_owner(step.command)}-->>{ARBITER}: {_verb(step.done)}"
    yield f"orchestrator->>{ARBITER}: {_verb(PURCHASE.complete)}"
    yield "alt still PENDING: COMPLETED"
    yield from _ending(PURCHASE.completed, _closing())
    yield "else refused, cancelled by the customer, or past its deadline: FAILED or TIMED_OUT"
    yield from _ending(PURCHASE.cancelled, _undoing())
    yield "end"


def _ending(decision: type[Message], commands: list[type[Command]]) -> Iterator[str]:
    """The decision goes to everybody; whoever it concerns confirms to the arbiter."""
    yield f"  {ARBITER}->>orchestrator: {_verb(decision)}"
    yield f"  {ARBITER}->>mail: {_verb(decision)}"
    for command in commands:
        owner = _owner(command)
        yield f"  orchestrator->>{owner}: {_verb(command)}"
        yield f"  {owner}-->>{ARBITER}: {_verb(_confirmation(command))}"
    yield f"  mail-->>{ARBITER}: {_verb(mail.MailAccepted)}"


def _closing() -> list[type[Command]]:
    return [step.close for step in PURCHASE.steps if step.close]


def _undoing() -> list[type[Command]]:
    return [step.undo for step in reversed(PURCHASE.steps)]


def _confirmation(command: type[Command]) -> type[Message]:
    """The arbiter waits for one word of the command's owner about the same verb."""
    wanted = _verb(command).split("_")[0][:4]
    candidates = [word for word in ACKNOWLEDGEMENTS if _owner(word) == _owner(command)]
    return next(word for word in candidates if _verb(word).split("_")[-1].startswith(wanted))


def _all(commands: list[type[Command]]) -> str:
    return '"' + "<br>".join(f"{_owner(command)}: {_verb(command)}" for command in commands) + '"'


def _owner(word: type[Message]) -> str:
    return subject(word).split(".")[1]


def _verb(word: type[Message]) -> str:
    return subject(word).split(".")[2]
