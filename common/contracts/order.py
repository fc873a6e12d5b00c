"""What order hears and says."""

from common.contracts.message import Command, Refusal, Reply


class CreateOrder(Command, frozen=True, kw_only=True, tag="cmd.order.create_order"):
    """Snapshot the priced lines and the delivery address."""


class CancelOrder(Command, frozen=True, kw_only=True, tag="cmd.order.cancel_order"):
    """Undo, or forbid, the order."""


class ApproveOrder(Command, frozen=True, kw_only=True, tag="cmd.order.approve_order"):
    """The purchase is completed; retriable, cannot be refused."""


class OrderCreated(Reply, frozen=True, kw_only=True, tag="evt.order.order_created"): ...


class OrderRefused(Refusal, frozen=True, kw_only=True, tag="evt.order.order_refused"): ...


class OrderCancelled(Reply, frozen=True, kw_only=True, tag="evt.order.order_cancelled"): ...


class OrderApproved(Reply, frozen=True, kw_only=True, tag="evt.order.order_approved"): ...
