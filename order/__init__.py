"""Owns the orders: what was bought at which price, and where it goes.

Hears create, cancel and approve, and the state of accounts (the address of the next order).
Says that an order is created, refused, cancelled or approved.
"""
