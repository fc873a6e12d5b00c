"""The HTTP side that all services share."""
