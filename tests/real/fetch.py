"""Fetch Debian's Asterisk 22 and 16 into a cache folder, for the tests beside this file.

``python tests/real/fetch.py`` (or ``make real``) downloads both at once and does nothing when they are there. It asks
for no root and leaves the host's apt and dpkg alone: apt runs on a state of its own that knows of no installed package,
so it downloads every library down to libc, and the packages are unpacked side by side with no maintainer script run.

``PBXAPI_REAL_CACHE``   where to keep them (``~/.cache/pbxapi-real``)
``DEBIAN_MIRROR``       where to load them from (else the Debian mirror in this host's apt configuration)
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

APT_SECONDS = 600
KEYRINGS = [Path(f"/usr/share/keyrings/debian-archive-keyring.{kind}") for kind in ("gpg", "pgp")]
PACKAGES = (
    "asterisk",
    "asterisk-config",
    "asterisk-core-sounds-en-gsm",
    "asterisk-modules",
    "odbc-mariadb",
    "odbcinst",
)
# Pulled in by dependencies, and of no use to a server that is started by hand.
LEFT_OUT = (
    "adduser",
    "debconf",
    "dirmngr",
    "dpkg",
    "gnupg",
    "gpg",
    "libperl",
    "login",
    "passwd",
    "perl",
    "pinentry",
    "tar_",
)
FOLDERS_LEFT_OUT = ("doc", "info", "lintian", "locale", "man")


class FetchError(Exception):
    """What went wrong, in words for the person who ran ``make real``."""


@dataclass(frozen=True)
class Release:
    """One Asterisk: its major version, Debian's suite that has it, and what to install of it."""

    version: str
    suite: str
    packages: tuple[str, ...]

    @property
    def stamp(self) -> str:
        return f"1 {self.suite} {' '.join(self.packages)}\n"


# Voicemail is a package of its own in bullseye; in later suites it is one of the modules.
RELEASES = {
    "22": Release("22", "forky", PACKAGES),
    "16": Release("16", "bullseye", (*PACKAGES, "asterisk-voicemail")),
}


def cache_folder() -> Path:
    return Path(os.environ.get("PBXAPI_REAL_CACHE") or "~/.cache/pbxapi-real").expanduser().absolute()


def fetched(version: str) -> Path | None:
    """Return the root folder of the unpacked Asterisk, or None when it is not there, half there or out of date."""
    folder = cache_folder() / f"asterisk-{version}"
    with contextlib.suppress(OSError):
        if (folder / "stamp").read_text() == RELEASES[version].stamp:
            return folder / "root"
    return None


def main() -> int:
    missing = [release for version, release in RELEASES.items() if fetched(version) is None]
    try:
        if missing:
            _check_tools()
            source = mirror()
            print(f"Fetching Asterisk {' and '.join(r.version for r in missing)} from {source} ...", flush=True)
            with ThreadPoolExecutor(len(missing)) as pool:
                list(pool.map(lambda release: fetch(release, source), missing))
    except (FetchError, OSError, subprocess.TimeoutExpired) as error:
        print(f"fetch: {error}", file=sys.stderr)
        return 1
    for version in RELEASES:
        print(f"Asterisk {version}: {fetched(version)}")
    return 0


def mirror() -> str:
    """Return the address of a Debian mirror: ``DEBIAN_MIRROR``, or the first one this host's apt is set up with."""
    if said := os.environ.get("DEBIAN_MIRROR"):
        return said.rstrip("/")
    for site, release, component, origin, label in _apt_sources():
        # Origin and label are known only once `apt-get update` has run here.
        by_name = (origin, label) == ("Debian", "Debian")
        by_suite = origin.startswith("$") and component == "main" and release == _host_codename()
        if by_name or by_suite:
            return site.rstrip("/")
    raise FetchError("this host's apt configuration names no Debian mirror: set DEBIAN_MIRROR to one's address")


def _apt_sources() -> Iterator[list[str]]:
    line = "$(SITE)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)|$(LABEL)"
    for option in ([], ["--no-release-info"]):
        command = ["apt-get", "indextargets", *option, "--format", line, "Created-By: Packages"]
        for row in _run(command, "apt-get indextargets").splitlines():
            if row.count("|") == 4:
                yield row.split("|")


def _host_codename() -> str:
    try:
        host = platform.freedesktop_os_release()
    except OSError:
        return ""
    return host.get("VERSION_CODENAME", "") if host.get("ID") == "debian" else ""


def _check_tools() -> None:
    for tool in ("apt-get", "dpkg-deb", "dpkg", "tar"):
        if shutil.which(tool) is None:
            raise FetchError(
                f"{tool} is missing: the real Asterisk is unpacked from Debian's packages, on a Debian host"
            )
    if not any(ring.exists() for ring in KEYRINGS):
        raise FetchError("Debian's signing keys are missing: apt install debian-archive-keyring")


def fetch(release: Release, source: str) -> None:
    """Download and unpack one release.

    It is built in a folder beside its place and moved there whole, so what an interrupted run leaves is never taken for
    a server. A second process that fetches the same waits for the first.
    """
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"lock-{release.version}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # its holder's own steps are bounded, and its death frees the lock
        if fetched(release.version) is not None:
            return
        began = time.monotonic()
        for leftover in cache.glob(f"part-{release.version}-*"):
            shutil.rmtree(leftover)
        part = Path(tempfile.mkdtemp(prefix=f"part-{release.version}-", dir=cache))
        try:
            _unpack(_download(release, source, part), part / "root")
            shutil.rmtree(part / "apt")
            part.chmod(0o755)
            (part / "stamp").write_text(release.stamp)
            _put_in_place(part, cache / f"asterisk-{release.version}")
        finally:
            shutil.rmtree(part, ignore_errors=True)
        print(f"Asterisk {release.version}: fetched in {time.monotonic() - began:.0f} s", flush=True)


def _put_in_place(part: Path, place: Path) -> None:
    if place.exists():
        place.rename(part / "old")
    part.rename(place)
    shutil.rmtree(place / "old", ignore_errors=True)


def _download(release: Release, source: str, part: Path) -> list[Path]:
    """Download the packages with all they depend on; return the package files."""
    settings = _apt_state(part / "apt", release.suite, source)
    what = f"Asterisk {release.version} from {source}"
    _run(["apt-get", "-c", str(settings), "-qq", "update"], what)
    install = ["install", "-y", "--no-install-recommends", "--download-only", *release.packages]
    _run(["apt-get", "-c", str(settings), "-qq", *install], what)
    return sorted((part / "apt/cache/archives").glob("*.deb"))


def _apt_state(apt: Path, suite: str, source: str) -> Path:
    """Lay out an apt state of its own; return its configuration, which apt reads after the host's (with its proxy)."""
    for folder in ("etc/preferences.d", "etc/sources.list.d", "lists/partial", "cache/archives/partial"):
        (apt / folder).mkdir(parents=True)
    (apt / "status").touch()
    ring = next(ring for ring in KEYRINGS if ring.exists())
    (apt / "etc/sources.list").write_text(f"deb [signed-by={ring}] {source} {suite} main\n")
    settings = apt / "apt.conf"
    settings.write_text(f"""\
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Install-Pkgs;
Dir::Etc "{apt}/etc/";
Dir::State "{apt}/";
Dir::State::status "{apt}/status";
Dir::Cache "{apt}/cache/";
APT::Sandbox::User "root";
APT::Default-Release "";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Check-Valid-Until "false";
Acquire::Retries "3";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
""")
    return settings


def _unpack(packages: list[Path], root: Path) -> None:
    # The links of a merged /usr come first, and tar follows them: older packages still ship /lib and /bin.
    for folder in ("lib", "lib64", "bin", "sbin"):
        (root / "usr" / folder).mkdir(parents=True)
        (root / folder).symlink_to(f"usr/{folder}")
    excluded = [f"--exclude=./usr/share/{folder}/*" for folder in FOLDERS_LEFT_OUT]
    tar = ["tar", "-x", "-C", str(root), "--keep-directory-symlink", "--no-same-owner", *excluded]
    for package in packages:
        if package.name.startswith(LEFT_OUT):
            continue
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as unpacker:
            done = subprocess.run(tar, stdin=unpacker.stdout, check=False, timeout=120)
        if done.returncode or unpacker.returncode:
            raise FetchError(f"cannot unpack {package.name}")


def _run(command: list[str], what: str) -> str:
    env = os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=env, stdin=subprocess.DEVNULL, timeout=APT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise FetchError(f"{what}: no end after {APT_SECONDS} s") from None
    if done.returncode:
        raise FetchError(f"{what} failed:\n{(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
