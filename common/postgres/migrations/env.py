"""The one Alembic environment. Runs on a connection that `common.postgres.migrate` lends it."""

from alembic import context

configuration = context.config
context.configure(
    connection=configuration.attributes["connection"],
    target_metadata=configuration.attributes["metadata"],
    transaction_per_migration=True,
    include_object=configuration.attributes["include_object"],
)
with context.begin_transaction():
    context.run_migrations()
