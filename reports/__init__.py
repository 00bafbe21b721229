"""Everything that leaves the program. Renders what it is given and knows no domain."""
