"""How Linux shares the processors among the programs of a stack, which have few for many.

A message wakes whoever waits for it, and by default that program takes the processor at once from the one
that speaks: each message is handled alone, with cold caches. As batch jobs with long slices, programs speak
to the end and hear several messages at once. A processor that is idle takes whoever wakes at once, as ever.
"""

import ctypes
import os
import platform
import sys
from contextlib import suppress

SLICE_NANOSECONDS = 12_000_000
"""What a program may run while others wait; the kernel's own is 1.4 ms on two processors."""
SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
"""The number of the system call (sched_setattr(2)), for which the C library has no function everywhere."""


class Attributes(ctypes.Structure):
    """`struct sched_attr` in its first version."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime", ctypes.c_uint64),
        ("deadline", ctypes.c_uint64),
        ("period", ctypes.c_uint64),
    )


def take_turns() -> None:
    """Of this process, and of all that it will start; where the system knows no such thing, nothing changes.

    Call it before there are threads. Slices of one's own length are Linux 6.12's; before that there is the
    policy alone.
    """
    if sys.platform != "linux":
        return
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    if number := SCHED_SETATTR.get(platform.machine()):
        nice = os.getpriority(os.PRIO_PROCESS, 0)
        wanted = Attributes(policy=os.SCHED_BATCH, nice=nice, runtime=SLICE_NANOSECONDS)
        wanted.size = ctypes.sizeof(wanted)
        ctypes.CDLL(None).syscall(number, 0, ctypes.byref(wanted), 0)
