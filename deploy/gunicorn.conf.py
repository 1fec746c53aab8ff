"""What `pbxapi serve` tells gunicorn, where this exchange needs something else. Install it as /etc/pbxapi/.

Everything that is not said here is as `pbxapi serve` has it: workers of threads, preload_app from 4 workers on,
heartbeats in memory, keepalive longer than nginx's. Its command line beats this file. Read at start, not at reload.
"""

# Processes. Two serve a busy exchange; each costs some 64 MB.
workers = 2
# Threads in each: as many requests may wait for Asterisk or the database at a time.
threads = 16
# Seconds that an answer under way may take when its worker ends. Below TimeoutStopSec in pbxapi.service.
graceful_timeout = 30
