"""`python -m pbxapi` is `pbxapi`."""

import sys

from pbxapi.cli import main

sys.exit(main())
