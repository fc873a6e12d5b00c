"""What payment hears and says."""

from common.contracts.message import Command, Refusal, Reply


class AuthorizePayment(Command, frozen=True, kw_only=True, tag="cmd.payment.authorize_payment"):
    """Hold the total at the provider; nothing is taken yet."""


class CapturePayment(Command, frozen=True, kw_only=True, tag="cmd.payment.capture_payment"):
    """The purchase is completed: take what is held."""


class VoidPayment(Command, frozen=True, kw_only=True, tag="cmd.payment.void_payment"):
    """Give back the hold, or forbid it."""


class PaymentAuthorized(Reply, frozen=True, kw_only=True, tag="evt.payment.payment_authorized"): ...


class PaymentDeclined(Refusal, frozen=True, kw_only=True, tag="evt.payment.payment_declined"): ...


class PaymentCaptured(Reply, frozen=True, kw_only=True, tag="evt.payment.payment_captured"): ...


class PaymentVoided(Reply, frozen=True, kw_only=True, tag="evt.payment.payment_voided"):
    """The provider holds nothing for the purchase, and never will (P12)."""
