"""Owns the mails: one logical mail per occasion, kept until an SMTP server has taken it.

Hears the state of accounts, requests for verification codes, and the decisions about purchases.
Says that a mail is accepted: written down, and sent as soon as it can be.
"""
