"""The business: what a purchase goes through."""

from common.contracts import order, payment, product, purchase
from orchestrator.saga import Saga, Step

PURCHASE = Saga(
    started=purchase.PurchaseRequested,
    steps=[
        Step(
            "reserve", product.ReserveStock, product.StockReserved, product.StockRefused, product.ReleaseStock
        ),
        Step(
            "order",
            order.CreateOrder,
            order.OrderCreated,
            order.OrderRefused,
            undo=order.CancelOrder,
            close=order.ApproveOrder,
        ),
        Step(
            "payment",
            payment.AuthorizePayment,
            payment.PaymentAuthorized,
            payment.PaymentDeclined,
            undo=payment.VoidPayment,
            close=payment.CapturePayment,
        ),
    ],
    complete=purchase.CompletePurchase,
    completed=purchase.PurchaseCompleted,
    cancelled=purchase.PurchaseCancelled,
)
