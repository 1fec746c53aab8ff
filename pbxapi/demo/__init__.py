"""A built-in exchange for trying things out."""
