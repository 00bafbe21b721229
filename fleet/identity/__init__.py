"""Who may reach a device, and how a device knows: authorities, certificates, operators."""
