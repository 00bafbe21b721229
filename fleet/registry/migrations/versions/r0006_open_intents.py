"""Whether anything of a request is left is known without a look at what is over."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_LEFT = sa.text("state IN ('waiting', 'sent', 'suspended')")


def upgrade() -> None:
    """Make the index."""
    op.create_index(
        "intents_left", "intents", ["request"], sqlite_where=_LEFT, postgresql_where=_LEFT
    )
