"""How `make docs` turns this folder into HTML."""

from importlib import metadata

project = "pbxapi"
release = metadata.version("pbxapi")
extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nitpicky = True
exclude_patterns = ["_build", "examples"]
html_theme = "alabaster"
html_theme_options = {"description": "One REST API for Asterisk, Issabel and FreePBX", "fixed_sidebar": True}
html_copy_source = False
html_show_sphinx = False
