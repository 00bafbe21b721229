"""How far updates have come."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def _request() -> sa.Column[str]:
    return sa.Column("request", sa.String(), sa.ForeignKey("requests.request"), primary_key=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "updates",
        _request(),
        sa.Column("covered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("halted", sa.Text(), nullable=False),
    )
    op.create_table(
        "updated_devices",
        _request(),
        sa.Column("device", sa.String(), sa.ForeignKey("devices.device"), primary_key=True),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("fetched", sa.Boolean(), nullable=False),
    )
