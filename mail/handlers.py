"""Messages in, mails written down, messages out: one batch, one transaction."""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from common.contracts.account import AccountState
from common.contracts.mail import MailAccepted
from common.contracts.message import Message, newest
from common.contracts.purchase import PurchaseCancelled, PurchaseCompleted
from common.messaging.consumer import NotYet
from common.postgres.database import Transaction
from common.telemetry.context import heard_in
from mail import model, repository
from mail.model import Mail, ToAccount

Decision = PurchaseCompleted | PurchaseCancelled


async def handle(tx: Transaction, batch: Sequence[Message], *, accepted: Callable[[], None]) -> list[Message]:
    """A decision is answered when its mail is written down; `accepted` runs when that is committed."""
    await repository.keep_accounts(tx, newest(each for each in batch if isinstance(each, AccountState)))
    decisions = [each for each in batch if isinstance(each, Decision)]
    to_accounts = [_traced(model.to_account(each), each) for each in batch if isinstance(each, ToAccount)]
    if mails := to_accounts + await notices(tx, decisions):
        await repository.accept(tx, mails)
        tx.after_commit(accepted)
    return [MailAccepted.following(each) for each in decisions]


async def notices(tx: Transaction, decisions: Sequence[Decision]) -> list[Mail]:
    """An account that has not been heard of yet is waited for, not guessed."""
    wanted = {each.purchase.account_id for each in decisions}
    known = await repository.addressees(tx, wanted)
    if unknown := wanted - known.keys():
        raise NotYet(f"no mailbox is known of {len(unknown)} accounts, such as {min(unknown)}")
    return [_traced(model.notice(each, known[each.purchase.account_id]), each) for each in decisions]


def _traced(mail: Mail, cause: Message) -> Mail:
    """It is sent much later, and still because of that."""
    trace = heard_in(cause.id)
    return replace(mail, traceparent=trace) if trace else mail
