"""The cyclic garbage collector, told what is none."""

import gc

OFTEN, SELDOM, RARELY = 10_000, 20, 50
"""Python's own 700 newcomers are a dozen messages, few of which are ever part of a cycle."""


def spare() -> None:
    """Call it when a process is built: its modules and routes, some hundred thousand objects, live as long as
    it does, and are not looked through again and again while it works.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(OFTEN, SELDOM, RARELY)
