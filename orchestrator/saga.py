"""What a saga is: steps forward, and at its ends what every participant is told. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from common.contracts.message import Command, Event, Message, Refusal, Reply
from common.contracts.purchase import FailPurchase


@dataclass(frozen=True)
class Step:
    """One participant's part. `name` is what the customer sees; `close` cannot be refused, only retried."""

    name: str
    command: type[Command]
    done: type[Reply]
    refused: type[Refusal]
    undo: type[Command]
    close: type[Command] | None = None


@dataclass(frozen=True)
class Saga:
    """Forward until every step is done or one refuses; then the arbiter decides, and all hear of it.

    A refusal never starts an undo by itself: only the arbiter's `cancelled` does (P2), and it reaches every
    participant, always (P3), in reverse.
    """

    started: type[Event]
    steps: Sequence[Step]
    complete: type[Command]
    completed: type[Event]
    cancelled: type[Event]

    @cached_property
    def following(self) -> Mapping[type[Event], Sequence[type[Command]]]:
        """What just happened -> what is said next. The whole saga is this table and the refusals."""
        happened = [self.started, *(step.done for step in self.steps)]
        said = [*(step.command for step in self.steps), self.complete]
        forward = {event: [command] for event, command in zip(happened, said, strict=True)}
        ends = {
            self.completed: [step.close for step in self.steps if step.close],
            self.cancelled: [step.undo for step in reversed(self.steps)],
        }
        return {**forward, **ends}

    @cached_property
    def refusals(self) -> Mapping[type[Refusal], Step]:
        return {step.refused: step for step in self.steps}

    @property
    def hears(self) -> list[type[Event]]:
        return [*self.following, *self.refusals]

    def decide(self, event: Message) -> list[Message]:
        """The event alone says where the purchase stands. Same event, same answer, same ids (P8)."""
        if isinstance(event, Refusal):
            step = self.refusals[type(event)].name
            return [FailPurchase(cause_id=event.id, purchase=event.purchase, step=step, reason=event.reason)]
        if not isinstance(event, Event):
            raise TypeError(f"{type(event).__name__} is not part of a saga")
        return [command.following(event) for command in self.following[type(event)]]
