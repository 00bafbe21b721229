"""How the devices are: asked in one sweep, held against policies, and remembered."""
