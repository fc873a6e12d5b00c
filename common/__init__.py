"""What the services share. Never imports a service."""

__version__ = "0.1.0"
"""Of all of them: they are one distribution."""
