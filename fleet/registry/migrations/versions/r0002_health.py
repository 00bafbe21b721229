"""Health: sweeps, readings, what is amiss, and what should be."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_TIME = sa.DateTime(timezone=True)


def _device() -> sa.Column[str]:
    return sa.Column("device", sa.String(), sa.ForeignKey("devices.device"), primary_key=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "sweeps",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
    )
    op.create_index("ix_sweeps_at", "sweeps", ["at"])
    op.create_table(
        "readings",
        sa.Column("sweep", sa.Integer(), sa.ForeignKey("sweeps.id"), primary_key=True),
        _device(),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("battery_percent", sa.Integer()),
        sa.Column("disk_free_percent", sa.Integer()),
        sa.Column("memory_free_percent", sa.Integer()),
        sa.Column("signal_dbm", sa.Integer()),
        sa.Column("load_1m_hundredths", sa.Integer()),
        sa.Column("uptime_s", sa.Integer()),
        sa.Column("clock_offset_ms", sa.Integer()),
        sa.Column("round_trip_ms", sa.Integer()),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "findings",
        _device(),
        sa.Column("policy", sa.String(), primary_key=True),
        sa.Column("fact", sa.String(), primary_key=True),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("says", sa.Text(), nullable=False),
        sa.Column("since", _TIME, nullable=False),
    )
    op.create_table(
        "desired",
        _device(),
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
    )
