"""The protocol, state by state, with the project's own pure functions as orchestrator and participants.

Small worlds only, so far: two mutants show that the checker sees.
"""

from dataclasses import replace

import pytest

from common.contracts.message import PurchaseMessage
from common.contracts.payment import PaymentVoided, VoidPayment
from common.contracts.purchase import CompletePurchase
from payment.model import rules as payments
from payment.model.row import Payment
from payment.model.row import Status as PaymentStatus
from payment.model.rules import Change, PaymentCommand
from purchase import model as purchases
from tests.model.explore import explore
from tests.model.saga import Chaos
from tests.model.services import Rules
from tests.model.sizes import Size

WORLDS = [
    Size("no fault but any order, and a deadline at any moment"),
    Size("one crash of payment between the provider and its commit", crashes=1),
    Size("one duplicate or crash of the orchestrator", duplicates=1, crashes=1),
    Size("the customer may cancel", can_cancel=True),
    Size("nothing in stock", units=0, duplicates=1),
    Size("one loss, and a re-drive when all is quiet", losses=1, drives=1, drives_when_quiet=True),
]


@pytest.mark.parametrize("size", WORLDS, ids=lambda size: size.name)
def test_no_order_of_events_breaks_a_promise_and_every_state_can_settle(size: Size) -> None:
    result = explore(Chaos(size, Rules()), most=300_000)
    assert result.wrong is None, result.story
    assert result.states > 100


def hasty_void(payment: Payment | None, command: PaymentCommand) -> Change:
    """Without P12: a void is confirmed while the provider may still say yes."""
    if isinstance(command, VoidPayment) and payment and payment.status is PaymentStatus.AUTHORIZING:
        return payment, [PaymentVoided.following(command)]
    return payments.hear(payment, command)


def first_decision_wins_not(row: purchases.Row, message: PurchaseMessage) -> purchases.Outcome:
    """Without P1 on the other side: a completion after the time-out counts."""
    if isinstance(message, CompletePurchase):
        return purchases.react(replace(row, status=purchases.Status.PENDING), message)
    return purchases.react(row, message)


@pytest.mark.parametrize(
    "mutant",
    [Rules(arbiter=first_decision_wins_not), Rules(hear=hasty_void)],
    ids=["without P1", "without P12"],
)
def test_a_rule_taken_out_is_missed(mutant: Rules) -> None:
    assert explore(Chaos(WORLDS[0], mutant), most=300_000).wrong is not None
