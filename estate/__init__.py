"""Plan and price in-cell connectivity. Knows nothing of the fleet."""
