"""A simulated payment provider: somebody else's program, with a ledger file of its own.

It holds, takes and gives back money, never twice under one `Idempotency-Key`; a token scripts its answers.
The ledger is append-only, on disk before any answer, and all it knows after a restart.
"""
