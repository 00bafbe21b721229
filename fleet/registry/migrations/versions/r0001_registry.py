"""The registry: devices, places, history and facts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    _devices()
    _places()
    _records()


def _devices() -> None:
    op.create_table(
        "devices",
        sa.Column("device", sa.String(), primary_key=True),
        sa.Column("serial", sa.String(), nullable=False, unique=True),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in ("model", "ring", "version", "cell", "state", "host_key", "nonce")
        ),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("key_exchange", sa.String(), nullable=False),
        sa.Column("facts_at", _TIME),
    )
    op.create_index("ix_devices_cell", "devices", ["cell"])
    op.create_index(
        "devices_host_key",
        "devices",
        ["host_key"],
        unique=True,
        sqlite_where=sa.text("host_key <> ''"),
        postgresql_where=sa.text("host_key <> ''"),
    )


def _places() -> None:
    op.create_table(
        "locations",
        sa.Column("cell", sa.String(), primary_key=True),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in ("prison_id", "wing", "spur", "landing", "element")
        ),
    )
    op.create_index("locations_place", "locations", ["prison_id", "wing", "landing"])
    op.create_index("ix_locations_element", "locations", ["element"])
    op.create_table(
        "elements",
        sa.Column("id", sa.String(), primary_key=True),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in ("kind", "parent", "prison_id", "wing")
        ),
    )


def _records() -> None:
    op.create_table(
        "history",
        sa.Column("id", _BIG, primary_key=True, autoincrement=True),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("device", sa.String(), sa.ForeignKey("devices.device"), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("before", sa.String(), nullable=False),
        sa.Column("after", sa.String(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
    )
    op.create_index("history_device", "history", ["device", "id"])
    op.create_index("ix_history_at", "history", ["at"])
    op.create_table(
        "facts",
        sa.Column("device", sa.String(), sa.ForeignKey("devices.device"), primary_key=True),
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("since", _TIME, nullable=False),
    )
    op.create_table(
        "past_facts",
        sa.Column("device", sa.String(), sa.ForeignKey("devices.device"), primary_key=True),
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("since", _TIME, primary_key=True),
        sa.Column("until", _TIME, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
    )
    op.create_index("ix_past_facts_until", "past_facts", ["until"])
    op.create_table(
        "counters",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("value", sa.BigInteger(), nullable=False),
    )
