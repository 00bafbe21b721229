"""What the broker lets whom do: the centre everything of ours, a relay its own prison's space.

Redis takes it as a file of users (aclfile), RabbitMQ as definitions that it loads at its start.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import TYPE_CHECKING, Any

from fleet.relay.broker import space_of

if TYPE_CHECKING:
    from collections.abc import Mapping

CENTRE = "centre"
# Nobody can log in as the default user, but Redis itself is it while it reads its log of writes
# after a restart: with fewer rights it would leave out what was written in transactions.
_NOBODY = "user default off resetpass ~* &* +@all"
_SALT_BYTES = 4
# What Celery needs of Redis; its lock is a script, which may touch no more than its user.
_COMMANDS = "+@all -@admin -@dangerous -@scripting +eval +evalsha +script|load +info"


def relay_user(prison: str) -> str:
    """Return the name by which a prison's relay logs in."""
    return f"relay-{prison}"


def redis_users(passwords: Mapping[str, str], *, centre: str) -> str:
    """Return Redis's file of users; `passwords` are those of the relays, by prison."""
    lines = [_NOBODY, _redis_user(CENTRE, centre, space_of("*"))]
    lines += [
        _redis_user(relay_user(prison), password, f"{space_of(prison)}:*")
        for prison, password in sorted(passwords.items())
    ]
    return "\n".join(lines) + "\n"


def _redis_user(name: str, password: str, keys: str) -> str:
    digest = hashlib.sha256(password.encode()).hexdigest()
    return f"user {name} on #{digest} ~{keys} resetchannels &{keys} {_COMMANDS}"


def rabbitmq_definitions(passwords: Mapping[str, str], *, centre: str) -> str:
    """Return RabbitMQ's definitions; `passwords` are those of the relays, by prison."""
    prisons = sorted(passwords)
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    permissions = [
        {"user": user, "vhost": space_of(prison), **everything}
        for prison in prisons
        for user in (CENTRE, relay_user(prison))
    ]
    users = [_rabbitmq_user(CENTRE, centre)]
    users += [_rabbitmq_user(relay_user(prison), passwords[prison]) for prison in prisons]
    return json.dumps(
        {
            "users": users,
            "vhosts": [{"name": space_of(prison)} for prison in prisons],
            "permissions": permissions,
        },
        indent=1,
    )


def _rabbitmq_user(name: str, password: str) -> dict[str, Any]:
    salt = secrets.token_bytes(_SALT_BYTES)
    digest = hashlib.sha256(salt + password.encode()).digest()
    return {
        "name": name,
        "password_hash": base64.b64encode(salt + digest).decode(),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": [],
    }
