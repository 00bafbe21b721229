"""Relays as they were last heard, and what they reported of requests."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "relays",
        sa.Column("prison", sa.String(), primary_key=True),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("reported", sa.Integer(), nullable=False),
        sa.Column("heard_at", _TIME, nullable=True),
        sa.Column("trust", sa.Integer(), nullable=False),
        sa.Column("roster", sa.Integer(), nullable=False),
        sa.Column("roster_sent", sa.Integer(), nullable=False),
        sa.Column("roster_sha256", sa.String(), nullable=False),
        sa.Column("bundles", sa.Text(), nullable=False),
        sa.Column("audit_entries", sa.Integer(), nullable=False),
        sa.Column("audit_hash", sa.String(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=False),
    )
    op.create_table(
        "relayed",
        sa.Column("prison", sa.String(), sa.ForeignKey("relays.prison"), primary_key=True),
        sa.Column("request", sa.String(), primary_key=True),
        sa.Column("sent_at", _TIME, nullable=True),
        sa.Column("reported", sa.Text(), nullable=False),
    )
