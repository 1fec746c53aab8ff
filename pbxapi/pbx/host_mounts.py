"""The file systems of this host that hold something."""

from __future__ import annotations

import os
from typing import Any

import psutil

from pbxapi.pbx.host_patience import Patience
from pbxapi.pbx.host_state import FileSystem

WITH_NO_DEVICE = frozenset({
    "nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "fuse.glusterfs", "fuse.sshfs", "fuse.s3fs", "9p", "virtiofs",
})  # fmt: skip
"""Types that /proc/filesystems calls nodev, as it does proc and tmpfs, and that recordings are kept on all the same."""

ALWAYS_FULL = frozenset({"squashfs", "iso9660"})


def file_systems(patience: Patience) -> tuple[FileSystem, ...]:
    """List each once, by the shortest of the paths that it is mounted on; that of `/` first.

    systemd's ProtectSystem mounts parts of one again and again.
    """
    with_device = {each.fstype for each in psutil.disk_partitions(all=False)} - ALWAYS_FULL
    found: dict[str, Any] = {}
    for each in sorted(psutil.disk_partitions(all=True), key=lambda part: len(part.mountpoint)):
        if each.fstype in with_device | WITH_NO_DEVICE or each.mountpoint == "/":
            found.setdefault(each.device, each)
    return tuple(_file_system(each, patience) for each in found.values())


def _file_system(part: Any, patience: Patience) -> FileSystem:
    about = patience.ask(("statvfs", part.mountpoint), lambda: _statvfs(part.mountpoint))
    unit = about.f_frsize if about else 0
    return FileSystem(
        device=part.device,
        mount=part.mountpoint,
        type=part.fstype,
        read_only="ro" in part.opts.split(","),
        total=unit * about.f_blocks if about else None,
        used=unit * (about.f_blocks - about.f_bfree) if about else None,
        free=unit * about.f_bavail if about else None,
        # btrfs and others make them as they are needed, and say 0.
        inodes_total=about.f_files or None if about else None,
        inodes_free=about.f_ffree if about and about.f_files else None,
    )


def _statvfs(path: str) -> os.statvfs_result | None:
    try:
        return os.statvfs(path)
    except OSError:
        return None
