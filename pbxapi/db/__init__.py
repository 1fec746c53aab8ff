"""The databases of the exchange."""
