"""A lab of real devices on one Linux machine: their network, their power, and what goes wrong."""
