"""Outbox, relay, JetStream, consumer, inbox: how a word gets from one service's commit into another's."""
