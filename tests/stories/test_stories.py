"""The stories of the shop, as its owner would tell them."""

from pytest_bdd import scenarios

scenarios("buying.feature", "accounts.feature", "orders.feature")
