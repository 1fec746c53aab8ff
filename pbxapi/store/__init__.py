"""pbxapi's own tables."""

from pbxapi.store.engine import Store

__all__ = ["Store"]
