"""Every mutant by name: the rule that it lacks (protocol 4), its world, and what it is caught at."""

from dataclasses import replace
from typing import NamedTuple

from tests.model import mutants
from tests.model.mutants import COPIES_REFUSED, orchestrated
from tests.model.runs import AFTERMATH, CHAOS, COUNTED, PATIENCE, Run
from tests.model.services import REAL, Rules


class Mutant(NamedTuple):
    rule: str
    rules: Rules
    run: Run
    caught_at: str


UNTRUE = "confirmed, but not so"
EARLY = "money taken for a purchase that is not completed"

FORGETFUL = replace(
    REAL,
    product=mutants.product_without_tombstone,
    order=mutants.order_without_tombstone,
    hear=mutants.payment_without_tombstone,
)
NO_TOMBSTONES = Mutant("P4", FORGETFUL, CHAOS, UNTRUE)
OVERWRITING = Mutant("P1", replace(REAL, arbiter=mutants.overwriting), CHAOS, "the decision changed")
UNDOING_THE_KNOWN = Mutant("P3", orchestrated(mutants.undoing_the_known), CHAOS, "not settled")
RESERVING_AGAIN = replace(REAL, product=mutants.reserving_again)
DRAWN_IDS = replace(RESERVING_AGAIN, advance=mutants.drawing_ids)
ACKNOWLEDGING_FIRST = Mutant("P7", replace(REAL, advance=mutants.acknowledging_first), COUNTED, "not settled")
SAME_IDS = Mutant("P10", replace(REAL, redrive=mutants.redriving_the_same), AFTERMATH, "not settled")
KEY_DRAWN = Mutant("P11", replace(REAL, provider=mutants.KeyDrawn), CHAOS, "two holds at the provider")
IN_FLIGHT = Mutant("P12", replace(REAL, hear=mutants.confirming_in_flight), CHAOS, UNTRUE)
NEVER_DRIVEN = replace(REAL, redrive=mutants.nothing_is_driven)
ENDLESS = replace(NEVER_DRIVEN, time_out=mutants.nothing_ends)
SILENT = replace(REAL, leaving=mutants.silent_when_done)
UNDOING = orchestrated(mutants.undoing_by_itself)

FULL = {
    "tomb": NO_TOMBSTONES,
    "tomb, product's": Mutant("P4", replace(REAL, product=FORGETFUL.product), CHAOS, UNTRUE),
    "tomb, order's": Mutant("P4", replace(REAL, order=FORGETFUL.order), CHAOS, UNTRUE),
    "tomb, payment's": Mutant("P4", replace(REAL, hear=FORGETFUL.hear), CHAOS, UNTRUE),
    "cas": OVERWRITING,
    "undo_all": UNDOING_THE_KNOWN,
    "semantic": Mutant("P5", RESERVING_AGAIN, CHAOS, "stock not conserved"),
    "publish_then_ack": ACKNOWLEDGING_FIRST,
    "fresh_attempt": SAME_IDS,
    "stable_key": KEY_DRAWN,
    "flag_in_flight": IN_FLIGHT,
    "two_step_void": Mutant("3", replace(REAL, hear=mutants.voided_at_once), CHAOS, UNTRUE),
    "capture_after_decision": Mutant("2", orchestrated(mutants.capturing_early), CHAOS, EARLY),
    "resend_reply": Mutant("P5", SILENT, PATIENCE, "stuck PENDING"),
}
"""The rules of the protocol as a whole, one taken out at a time."""

SMALL = {
    "no tombstones": NO_TOMBSTONES,
    "duplicates are answered with a failure": Mutant(
        "P2, P5",
        replace(COPIES_REFUSED, advance=UNDOING.advance),
        COUNTED,
        "completed, but a step is not done",
    ),
    "COMPLETE overwrites TIMED_OUT": OVERWRITING,
    "only the known steps are undone": UNDOING_THE_KNOWN,
    "idempotent by message id only, ids drawn": Mutant("P5, P8", DRAWN_IDS, COUNTED, "stock not conserved"),
    "idempotent by message id only": Mutant("P5", RESERVING_AGAIN, COUNTED, UNTRUE),
    "the orchestrator acknowledges first": ACKNOWLEDGING_FIRST,
    "a lost message, no re-drive": Mutant("P10", NEVER_DRIVEN, AFTERMATH, "not settled"),
    "a lost message, a re-drive with the same ids": SAME_IDS,
    "a fresh key for each question": KEY_DRAWN,
    "a cancellation in flight is ignored": IN_FLIGHT,
    "a lost message, nobody owns the deadline": Mutant("P9", ENDLESS, AFTERMATH, "stuck PENDING"),
}
"""What its first, smaller model was seen to break under."""

HARMLESS = {
    "resend_reply, with a deadline": (SILENT, AFTERMATH),
    "duplicates are answered with a failure, but the arbiter decides": (COPIES_REFUSED, CHAOS),
    "the orchestrator undoes by itself, but nobody answers wrongly": (UNDOING, CHAOS),
}
"""What the other rules make up for. Each does harm in another world, or with another rule missing, above."""
