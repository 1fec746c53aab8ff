"""One REST API for Asterisk, Issabel and FreePBX telephone exchanges."""

__version__ = "0.1.0"
