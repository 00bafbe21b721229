"""How radio crosses walls."""
