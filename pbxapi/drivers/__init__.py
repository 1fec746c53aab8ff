"""One file a platform: they choose and assemble, no logic."""
