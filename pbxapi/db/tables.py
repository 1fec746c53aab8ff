"""Tables of the exchange's own database, as far as they are read here. Types and widths are the platform's business."""

from __future__ import annotations

from sqlalchemy import column, table

sip = table("sip", column("id"), column("keyword"), column("data"), column("flags"))
"""Settings of chan_sip and PJSIP devices and of chan_sip trunks, one a row, in the order of `flags`."""
