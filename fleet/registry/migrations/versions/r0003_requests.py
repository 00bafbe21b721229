"""Requests, who signed them, and where each device stands with them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_TIME = sa.DateTime(timezone=True)


def _request() -> sa.Column[str]:
    return sa.Column("request", sa.String(), sa.ForeignKey("requests.request"), primary_key=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "requests",
        sa.Column("request", sa.String(), primary_key=True),
        sa.Column("nonce", sa.String(), nullable=False, unique=True),
        sa.Column("encoded", sa.Text(), nullable=False),
        sa.Column("allowlist", sa.Text(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
    )
    op.create_index("ix_requests_status", "requests", ["status"])
    op.create_table(
        "signatures",
        _request(),
        sa.Column("operator", sa.String(), primary_key=True),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
    )
    op.create_table(
        "intents",
        _request(),
        sa.Column("device", sa.String(), sa.ForeignKey("devices.device"), primary_key=True),
        sa.Column("provisioning", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("since", _TIME, nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
    )
    op.create_index("intents_state", "intents", ["state", "device"])
