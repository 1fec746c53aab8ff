"""The old `?cmd=` interface over the same exchange."""
