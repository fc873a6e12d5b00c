"""Outbox, relay, JetStream, consumer, inbox: how a word gets from one service's commit into another's."""

from common.absent import absent

with absent("aiohttp"):  # seven megabytes of each process, for a WebSocket that nobody opens
    import nats  # noqa: F401
