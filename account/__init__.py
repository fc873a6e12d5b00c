"""Owns the accounts: who somebody is, how they sign in, where they live, and the keys that sign tokens.

Hears nothing. Says that an account is registered or has changed, and that a code is to be mailed.
"""
