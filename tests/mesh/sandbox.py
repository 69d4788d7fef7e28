"""NHS England's mesh-sandbox on loopback, behind TLS: whoever comes has to show a certificate of the test's authority.

    sandbox.py STORE CERTIFICATE KEY CALLERS_AUTHORITY [PORT]

STORE has a directory for each mailbox; each has the sandbox's password. At PORT, or a port that is free. Prints it, and serves until it is ended."""

import os
import socket
import ssl
import sys

store, certificate, key, callers, *port = sys.argv[1:]
os.environ.update(AUTH_MODE="full", STORE_MODE="file", SHARED_KEY="TestKey", MAILBOXES_DATA_DIR=store)

import uvicorn  # noqa: E402, after the environment that the sandbox reads
from mesh_sandbox.api import app  # noqa: E402

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", int(port[0]) if port else 0))
print(listener.getsockname()[1], flush=True)
config = uvicorn.Config(
    app,
    log_level="warning",
    ssl_certfile=certificate,
    ssl_keyfile=key,
    ssl_ca_certs=callers,
    ssl_cert_reqs=ssl.CERT_REQUIRED,
    timeout_keep_alive=60,
)
uvicorn.Server(config).run(sockets=[listener])
