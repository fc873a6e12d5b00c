"""Every SQL statement of the media service."""
