"""What one failure takes away from a prison, and what a second way would cost.

Everything here is sensitive: it is asked for by name, and no output has any of it without that.
"""
