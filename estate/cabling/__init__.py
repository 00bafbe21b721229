"""The cabling of a wing: what may carry cables, where they may end, and the cheapest way."""
