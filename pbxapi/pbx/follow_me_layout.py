"""How the versions of the follow-me module keep a follow-me: which entries of AstDB they write when one is saved.

FreePBX 13 to 17 and Issabel 4 and 5 have one table, `findmefollow`, whose columns are asked for, and differ in what
they write beside it. Seen on FreePBX 14, with the modules of 16 and 17, and on Issabel 5; 13 and 15 by their source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pbxapi.pbx.plan import Value

TABLE = "findmefollow"
MODULE = "findmefollow"

STRATEGIES = (
    "ringallv2", "ringallv2-prim", "ringall", "ringall-prim", "hunt", "hunt-prim", "memoryhunt", "memoryhunt-prim",
    "firstavailable", "firstnotonphone",
)  # fmt: skip
CALLER_ID_MODES = ("default", "did", "forcedid", "fixed", "extern")

RECORDINGS = ("annmsg_id", "remotealert_id", "toolate_id")
"""Columns that hold an id of the table `recordings`; their entries in AstDB hold the file's path."""

UNTOUCHED: Mapping[str, Value] = {
    "rvolume": "", "calendar_enable": 0, "calendar_id": "", "calendar_group_id": "", "calendar_match": "yes",
}  # fmt: skip
"""What no field stands for: as the platform fills it in a new row, and left alone afterwards."""

FIRST = {"prering": "pre_ring", "grptime": "grptime", "grplist": "grplist", "grpconf": "needsconf"}
SECOND = {"grppre": "grppre", "rvolume": "rvolume"}
THIRD = {
    "strategy": "strategy", "dring": "dring", "annmsg": "annmsg_id", "remotealertmsg": "remotealert_id",
    "toolatemsg": "toolate_id", "postdest": "postdest", "ringing": "ringing",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FollowMeLayout:
    """`entries`: what is written below AMPUSER/N/followme at a save, and the column that it is made of.

    `ddial`, `changecid` and `fixedcid`, which have no column, are written by every version. `no_recording` stands in
    the columns of RECORDINGS for none.
    """

    entries: Mapping[str, str]
    no_recording: int | None = None

    def live(self, column: str) -> bool:
        """Whether a change of the column is in effect at once: calls read its entry. Else the dialplan is made anew.

        Recordings are not: their files are looked up when it is made (FreePBX asks for a reload for them in 17 too).
        """
        return column in self.entries.values() and column not in RECORDINGS


LAYOUTS = {
    2: FollowMeLayout(FIRST, no_recording=0),
    13: FollowMeLayout(FIRST | SECOND),
    15: FollowMeLayout(FIRST | SECOND | THIRD),
}
"""By the first number of the module's version from which it is so. Issabel's is 2.11 or 2.12."""


def layout_of(version: str) -> FollowMeLayout:
    """The layout of that version of the module, or of the nearest older one."""
    first = version.partition(".")[0]
    number = int(first) if first.isascii() and first.isdigit() else 0
    return LAYOUTS[max((known for known in LAYOUTS if known <= number), default=min(LAYOUTS))]
