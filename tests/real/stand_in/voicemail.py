"""voicemail.conf, which FreePBX reads and writes anew at each reload (Issabel leaves it alone)."""

from __future__ import annotations

from pathlib import Path

from tests.real.stand_in.astdb import AstDb
from tests.real.stand_in.tables import Tables

NO_MAILBOXES = ("general", "zonemessages", "pbxaliases", "device")

Sections = dict[str, dict[str, str]]


def rewrite(tables: Tables, astdb: AstDb, etc: Path) -> None:
    """Write the file in FreePBX's own hand, aliases added and comments lost, and AMPUSER/N/voicemail to match it."""
    if tables.platform != "freepbx":
        return
    path = etc / "voicemail.conf"
    sections = parse(path.read_text())
    boxes = {number: context for context, lines in sections.items() if context not in NO_MAILBOXES for number in lines}
    if tables.major >= 14:
        sections.setdefault("general", {})["aliasescontext"] = "pbxaliases"
        sections["pbxaliases"] = {f"{number}@device": f"{number}@{context}" for number, context in boxes.items()}
        path.write_text("\n".join(_written(name, lines) for name, lines in sections.items()))
    for number in tables.users:
        astdb.put("AMPUSER", f"{number}/voicemail", boxes.get(number, "novm"))


def parse(text: str) -> Sections:
    sections: Sections = {}
    lines: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("["):
            lines = sections.setdefault(line.strip("[] "), {})
        elif "=" in line and not line.startswith((";", "#")):
            key, _, value = line.partition("=")
            lines[key.strip()] = value.removeprefix(">").strip()
    return sections


def _written(name: str, lines: dict[str, str]) -> str:
    return "\n".join([f"[{name}]", *(f"{key}={value}" for key, value in lines.items()), ""])
