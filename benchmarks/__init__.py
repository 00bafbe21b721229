"""What a plan of the whole estate takes, measured; `make bench` runs `whole_estate.py`."""
