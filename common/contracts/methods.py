"""How a purchase may be paid: asked at purchase's door, listed and asked again by payment."""

METHODS = {"credit_card": 12, "debit_card": 1, "transfer": 1, "cash": 1}
"""Method -> the most installments it takes."""


def is_accepted(method: str, installments: int) -> bool:
    return 1 <= installments <= METHODS.get(method, 0)
