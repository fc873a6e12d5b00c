"""Owns purchases: accepts them, decides each exactly once, keeps what the customer saw of it, and settles it.

Hears what the steps did and what the orchestrator concludes. Says that a purchase is requested, completed or
cancelled, and again until everybody has confirmed (protocol P10); tells browsers over server-sent events.
"""
