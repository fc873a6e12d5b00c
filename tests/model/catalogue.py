"""Every mutant by name, the smallest world that catches it, and what it is caught at."""

from dataclasses import replace
from typing import NamedTuple

from tests.model import mutants
from tests.model.mutants import COPIES_REFUSED, orchestrated
from tests.model.runs import AFTERMATH, CHAOS, COUNTED, PATIENCE, Run
from tests.model.services import REAL, Rules


class Mutant(NamedTuple):
    rules: Rules
    run: Run
    caught_at: str


UNTRUE = "confirmed, but not so"

NO_TOMBSTONES = {
    "tomb, product": Mutant(replace(REAL, product=mutants.product_without_tombstone), CHAOS, UNTRUE),
    "tomb, order": Mutant(replace(REAL, order=mutants.order_without_tombstone), CHAOS, UNTRUE),
    "tomb, payment": Mutant(replace(REAL, hear=mutants.payment_without_tombstone), CHAOS, UNTRUE),
}
FORGETFUL = replace(
    REAL,
    product=mutants.product_without_tombstone,
    order=mutants.order_without_tombstone,
    hear=mutants.payment_without_tombstone,
)
OVERWRITING = Mutant(replace(REAL, arbiter=mutants.overwriting), CHAOS, "the decision changed")
UNDOING_THE_KNOWN = Mutant(orchestrated(mutants.undoing_the_known), CHAOS, "not settled")
RESERVING_AGAIN = replace(REAL, product=mutants.reserving_again)
ACKNOWLEDGING_FIRST = Mutant(replace(REAL, advance=mutants.acknowledging_first), COUNTED, "not settled")
SAME_IDS = Mutant(replace(REAL, redrive=mutants.redriving_the_same), AFTERMATH, "not settled")
KEY_DRAWN = Mutant(replace(REAL, provider=mutants.KeyDrawn), CHAOS, "two holds at the provider")
CONFIRMING_IN_FLIGHT = Mutant(replace(REAL, hear=mutants.confirming_in_flight), CHAOS, UNTRUE)
NEVER_DRIVEN = replace(REAL, redrive=mutants.nothing_is_driven)

FULL = NO_TOMBSTONES | {
    "cas": OVERWRITING,
    "undo_all": UNDOING_THE_KNOWN,
    "semantic": Mutant(RESERVING_AGAIN, CHAOS, "stock not conserved"),
    "publish_then_ack": ACKNOWLEDGING_FIRST,
    "fresh_attempt": SAME_IDS,
    "stable_key": KEY_DRAWN,
    "flag_in_flight": CONFIRMING_IN_FLIGHT,
    "two_step_void": Mutant(replace(REAL, hear=mutants.voided_at_once), CHAOS, UNTRUE),
    "capture_after_decision": Mutant(
        orchestrated(mutants.capturing_early), CHAOS, "money taken for a purchase that is not completed"
    ),
    "resend_reply, and nothing times out": Mutant(
        replace(REAL, leaving=mutants.silent_when_done), PATIENCE, "stuck PENDING"
    ),
}
"""The rules of `saga_full.py`."""

SMALL = {
    "no tombstones": Mutant(FORGETFUL, CHAOS, UNTRUE),
    "a duplicate is answered with a failure": Mutant(
        replace(COPIES_REFUSED, advance=orchestrated(mutants.undoing_by_itself).advance),
        COUNTED,
        "completed, but a step is not done",
    ),
    "completion overwrites a time-out": OVERWRITING,
    "only the known steps are undone": UNDOING_THE_KNOWN,
    "idempotency by message id only, drawn ids": Mutant(
        replace(RESERVING_AGAIN, advance=mutants.drawing_ids), COUNTED, "stock not conserved"
    ),
    "idempotency by message id only": Mutant(RESERVING_AGAIN, COUNTED, UNTRUE),
    "the orchestrator acknowledges before it publishes": ACKNOWLEDGING_FIRST,
    "no re-drive": Mutant(NEVER_DRIVEN, AFTERMATH, "not settled"),
    "a re-drive with the same ids": SAME_IDS,
    "a fresh key for each question to the provider": KEY_DRAWN,
    "a cancellation is ignored while the provider is asked": CONFIRMING_IN_FLIGHT,
    "nobody owns the time-out, and no re-drive": Mutant(
        replace(NEVER_DRIVEN, time_out=mutants.nothing_ends), AFTERMATH, "stuck PENDING"
    ),
}
"""The twelve runs of `saga_mc.py` that fail."""

HARMLESS = {
    "resend_reply, with a deadline": (replace(REAL, leaving=mutants.silent_when_done), AFTERMATH),
    "a duplicate is answered with a failure, but the arbiter decides": (COPIES_REFUSED, CHAOS),
    "the orchestrator undoes by itself, but nothing is answered wrongly": (
        orchestrated(mutants.undoing_by_itself),
        CHAOS,
    ),
}
"""What the reference checkers found to do no harm by itself does none here."""
