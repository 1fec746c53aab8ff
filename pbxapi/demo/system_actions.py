"""Actions on modules, the database and events of one's own."""

from __future__ import annotations

from pbxapi.demo.actions import Asked, action
from pbxapi.demo.session import Answer

MODULES = frozenset(
    {
        *("app_dial", "app_echo", "app_mixmonitor", "app_queue", "app_voicemail", "chan_pjsip", "func_db"),
        *(
            "func_devstate",
            "func_dialplan",
            "func_presencestate",
            "pbx_config",
            "res_musiconhold",
            "res_parking",
            "res_pjsip",
        ),
        *("res_pjsip_endpoint_identifier_user", "res_pjsip_outbound_registration", "res_pjsip_registrar"),
        *("res_pjsip_session", "res_sorcery_astdb", "res_sorcery_config", "res_manager_devicestate"),
    }
)


@action("ModuleCheck", "Check if module is loaded.", "system")
def module_check(asked: Asked) -> Answer:
    """Whether a module is loaded; its name may end in .so."""
    if asked.request.get("Module").removesuffix(".so") not in MODULES:
        return asked.error("Module not loaded")
    return asked.success(("Version", ""))


@action("Reload", "Send a reload event.", "system,config")
def reload(asked: Asked) -> Answer:
    """Let a module read its configuration again: nothing to do here, where no file is read."""
    name = asked.request.get("Module")
    known = not name or name.removesuffix(".so") in MODULES
    asked.world.bus.tell("Reload", "system", [("Module", name or "All"), ("Status", "0" if known else "2")])
    return asked.said("Module Reloaded") if known else asked.error("No such module")


def _key(asked: Asked) -> tuple[str, str]:
    return asked.request.get("Family"), asked.request.get("Key")


def _missing(asked: Asked, end: str) -> Answer | None:
    family, key = _key(asked)
    if not family:
        return asked.error(f"No family specified{end}")
    return None if key else asked.error(f"No key specified{end}")


@action("DBGet", "Get DB Entry.", "system,reporting")
def db_get(asked: Asked) -> Answer:
    """One entry, as a list."""
    fault = _missing(asked, ".")
    if fault:
        return fault
    family, key = _key(asked)
    value = asked.world.database.get(family, key)
    if value is None:
        return asked.error("Database entry not found")
    entry = [("Family", family), ("Key", key), ("Val", value)]
    return asked.listing("Result will follow", [asked.late_item("DBGetResponse", entry)], "DBGetComplete")


@action("DBPut", "Put DB entry.", "system")
def db_put(asked: Asked) -> Answer:
    """Set an entry."""
    fault = _missing(asked, "")
    if fault:
        return fault
    asked.world.database.put(*_key(asked), asked.request.get("Val"))
    return asked.said("Updated database successfully")


@action("DBDel", "Delete DB entry.", "system")
def db_del(asked: Asked) -> Answer:
    """Delete an entry."""
    fault = _missing(asked, ".")
    if fault:
        return fault
    if not asked.world.database.delete(*_key(asked)):
        return asked.error("Database entry could not be deleted")
    return asked.said("Key deleted successfully")


@action("DBGetTree", "Get DB entries, optionally at a particular family/key", "system,reporting")
def db_get_tree(asked: Asked) -> Answer:
    """All entries below a family; none is an empty list."""
    items = [
        asked.late_item("DBGetTreeResponse", [("Key", path), ("Val", value)])
        for path, value in asked.world.database.tree(*_key(asked)).items()
    ]
    return asked.listing("Result will follow", items, "DBGetTreeComplete")


@action("DBDelTree", "Delete DB Tree.", "system")
def db_del_tree(asked: Asked) -> Answer:
    """Delete all entries below a family."""
    if not _key(asked)[0]:
        return asked.error("No family specified.")
    if not asked.world.database.delete_tree(*_key(asked)):
        return asked.error("Database entry not found")
    return asked.said("Key tree deleted successfully")


@action("UserEvent", "Send an arbitrary event.", "user")
def user_event(asked: Asked) -> Answer:
    """Tell every session what this one says, its ActionID last."""
    name = asked.request.get("UserEvent")
    own = {"action", "userevent", "actionid"}
    rest = [(header, value) for header, value in asked.request.items() if header.lower() not in own]
    asked.world.bus.tell("UserEvent", "user", [("UserEvent", name), *rest, *asked.action_id])
    return asked.said("Event Sent")
