"""Act on devices; knows nothing of the estate half."""
