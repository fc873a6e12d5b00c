"""What a service's first migration adds beside its tables."""

from importlib.resources import files

from alembic import op


def create_partitions() -> None:
    """Installs `maintain_partitions()` for the runtime role and makes the first partitions."""
    op.execute((files("common.postgres") / "partitions.sql").read_text())
    op.execute("SELECT maintain_partitions()")
