"""How Alembic reaches the registry: through the connection that `fleet.registry` hands it."""

from alembic import context

from fleet.registry.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata(),
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
