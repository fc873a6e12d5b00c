"""Writes the parts of ARCHITECTURE.md that the code knows better: messages, sagas, routes, settings."""
