#!/usr/bin/env python3
"""Uploading a file beside sha256sum of it, and serving small files from the content listener beside nginx, where that is installed."""

import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time

from harness import ADDRESS, LISTEN, memory_of, provost_of

CONTENT = "127.0.0.1:18081"
UPLOAD = 1 << 30
# Pieces of a client of tus.
CHUNK = 64 << 20
SMALL = 10_000
SECONDS = 10
CONNECTIONS = 32


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


def requests_a_second(url):
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", url]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in output:
        raise SystemExit(output)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1))


def nginx_serves(folder):
    """Requests a second that nginx serves of a file in `folder`; None where it is not installed."""
    if not shutil.which("nginx"):
        return None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = folder / "nginx.conf"
    settings.write_text(f"""
        daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/error.log;
        events {{ worker_connections 256; }}
        http {{ access_log off; sendfile on; server {{ listen 127.0.0.1:{port}; root {folder}; }} }}""")
    server = subprocess.Popen(["nginx", "-c", str(settings), "-p", str(folder)])
    try:
        time.sleep(1)
        return requests_a_second(f"http://127.0.0.1:{port}/small")
    finally:
        server.terminate()
        server.wait()


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
            small = folder / "small"
            small.write_bytes(os.urandom(SMALL))
            upload = put(token, small)
            url = download_of(provost, upload["sha256"])
            mine = requests_a_second(url)
            theirs = nginx_serves(folder)
            beside = f"; nginx: {theirs:.0f}; {mine / theirs:.0%} (limit: 25 %)" if theirs else "; nginx is not installed"
            print(f"files of {SMALL} bytes: {mine:.0f} requests a second{beside}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def download_of(provost, sha256):
    """An address for a blob, signed with the secret of the database as `files/address.rs` signs."""
    import base64
    import hashlib
    import hmac

    secret = bytes.fromhex(provost.psql("SELECT encode(secret, 'hex') FROM address_secrets").strip())
    payload = bytes.fromhex(sha256) + SMALL.to_bytes(8, "big") + b"\0" + b"application/octet-stream"
    signed = int(time.time() + 3600).to_bytes(8, "big") + payload
    code = hmac.new(secret, b"file\0" + signed, hashlib.sha256).digest()[:16]
    return f"http://{CONTENT}/f/{base64.urlsafe_b64encode(signed + code).rstrip(b'=').decode()}/small"


if __name__ == "__main__":
    main()
