"""What the services share. Never imports a service."""
