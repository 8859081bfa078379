#!/usr/bin/env python3
"""Uploading a file beside sha256sum of it."""

import http.client
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from harness import ADDRESS, LISTEN, memory_of, provost_of

CONTENT = "127.0.0.1:18081"
UPLOAD = 1 << 30
# Pieces of a client of tus.
CHUNK = 64 << 20


def token_headers(token):
    return {"Authorization": f"Bearer {token}"}


def put(token, path):
    """Uploads at once; answers the upload."""
    command = ["curl", "--silent", "--fail", "-T", str(path), "-H", f"Authorization: Bearer {token}", f"{ADDRESS}/v1/uploads?file_name=file"]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def tus(token, path):
    """Uploads in pieces, as clients of tus do; answers the upload's address."""
    connection = http.client.HTTPConnection(LISTEN)
    size = path.stat().st_size
    connection.request("POST", "/v1/uploads", headers={**token_headers(token), "Tus-Resumable": "1.0.0", "Upload-Length": str(size)})
    answer = connection.getresponse()
    answer.read()
    address = answer.getheader("Location")
    with path.open("rb") as file:
        offset = 0
        while offset < size:
            piece = file.read(CHUNK)
            headers = {**token_headers(token), "Tus-Resumable": "1.0.0", "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
            connection.request("PATCH", address, piece, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 204:
                raise SystemExit(f"PATCH: {answer.status}")
            offset += len(piece)
    return address


def seconds_of(work):
    began = time.monotonic()
    work()
    return time.monotonic() - began


def main():
    os.environ["PROVOST_CONTENT_LISTEN"] = CONTENT
    folder = pathlib.Path(tempfile.mkdtemp(prefix="provost-files-", dir="/var/tmp"))
    try:
        with provost_of(1) as provost:
            token = provost.token()
            size = UPLOAD / 1e6
            for name, upload in [("PUT", put), ("tus", tus)]:
                large = folder / name
                with large.open("wb") as file:
                    for _ in range(UPLOAD >> 20):
                        file.write(os.urandom(1 << 20))
                hashing = seconds_of(lambda: subprocess.run(["sha256sum", str(large)], check=True, stdout=subprocess.DEVNULL))
                uploading = seconds_of(lambda: upload(token, large))
                print(f"{name}: {size / uploading:.0f} MB/s; sha256sum: {size / hashing:.0f} MB/s; {hashing / uploading:.0%} (limit: 50 %); "
                      f"memory after it: {memory_of(provost.process.pid):.0f} MiB")
                large.unlink()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
