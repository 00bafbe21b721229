"""Who may reach a device, and how a device knows: authorities, certificates, operators."""

from fleet.identity.credential import Credential
from fleet.identity.identity import Identity, Lane

__all__ = ["Credential", "Identity", "Lane"]
