"""NHS England's mesh-client as the other end.

    peer.py URL MAILBOX CERTIFICATE KEY AUTHORITY send TO WORKFLOW LOCAL_ID FILE [CHUNK_BYTES]
    peer.py ...                                   forge FROM TO WORKFLOW LOCAL_ID FILE     (says that it is from another)
    peer.py ...                                   damaged TO WORKFLOW LOCAL_ID FILE        (says that it is compressed, and it is not)
    peer.py ...                                   inbox            (ids, one a line)
    peer.py ...                                   fetch ID FILE    (its mex- headers as JSON; its content into FILE)
    peer.py ...                                   acknowledge ID
    peer.py ...                                   track ID         (its status)
"""

import json
import sys

from mesh_client import MeshClient

url, mailbox, certificate, key, authority, what, *rest = sys.argv[1:]
with MeshClient(
    url,
    mailbox,
    "password",
    shared_key=b"TestKey",
    cert=(certificate, key),
    verify=authority,
    check_hostname=False,
    max_retries=0,
) as client:
    client.handshake()
    if what == "forge":
        client._session.headers["Mex-From"] = rest.pop(0)
        what = "send"
    if what == "damaged":
        to, workflow, local_id, path = rest
        client._session.headers["Content-Encoding"] = "gzip"
        with open(path, "rb") as file:
            print(client.send_message(to, file.read(), workflow_id=workflow, local_id=local_id, compress=False))
    if what == "send":
        to, workflow, local_id, path, *chunk = rest
        with open(path, "rb") as file:
            size = {"max_chunk_size": int(chunk[0])} if chunk else {}
            print(client.send_message(to, file.read(), workflow_id=workflow, local_id=local_id, compress=True, **size))
    elif what == "inbox":
        for message in client.iterate_message_ids():
            print(message)
    elif what == "fetch":
        message = client.retrieve_message(rest[0])
        content = message.read()
        with open(rest[1], "wb") as file:
            file.write(content)
        print(json.dumps(dict(message.mex_headers())))
    elif what == "acknowledge":
        client.acknowledge_message(rest[0])
    elif what == "track":
        print(client.track_message(rest[0])["status"])
