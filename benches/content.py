#!/usr/bin/env python3
"""Packages beside their limits: importing beside unzip, with the memory of a large one; what packages store beside one row a transaction;
serving their files beside nginx, where that is installed."""

import json
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import zipfile

from harness import PASSWORD, memory_of, provost_of
from files import CONTENT, put, seconds_of

SMALL = 10_000
STORED = 1_200
SECONDS = 10
CONNECTIONS = 32
CLIENTS = 8
# Microseconds that a disk may take to sync, beside those of this one.
SYNC = 3_000

MANIFEST = """<?xml version="1.0"?>
<manifest identifier="bench" xmlns="http://www.imsproject.org/xsd/imscp_rootv1p1p2" xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_rootv1p2">
<metadata><schema>ADL SCORM</schema><schemaversion>1.2</schemaversion></metadata>
<organizations default="all"><organization identifier="all"><title>Bench</title>
<item identifier="one" identifierref="page"><title>One</title></item></organization></organizations>
<resources><resource identifier="page" type="webcontent" adlcp:scormtype="sco" href="index.html"><file href="index.html"/></resource></resources>
</manifest>"""
PAGE = "<!doctype html><html lang=en><title>Bench</title><script>parent.API.LMSSetValue('cmi.core.lesson_status', 'passed')</script>"


def package(path, files):
    """Writes a package with files, by name: bytes that are deflated where that helps, or how many random ones, as they are."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("imsmanifest.xml", MANIFEST)
        archive.writestr("index.html", PAGE)
        for name, content in files.items():
            if isinstance(content, bytes):
                compression = zipfile.ZIP_STORED if name.endswith((".jpg", "stored.bin")) else zipfile.ZIP_DEFLATED
                archive.writestr(name, content, compression)
                continue
            with archive.open(zipfile.ZipInfo(name), "w") as entry:
                for _ in range(content >> 20):
                    entry.write(os.urandom(1 << 20))


def typical():
    """What authoring tools write: scripts and pages that deflate well, pictures that do not, in 2,000 files."""
    chance, words = random.Random(16), [f"word{number:x}".encode() for number in range(5_000)]
    texts = {f"scripts/{number}.js": b" ".join(chance.choices(words, k=20_000)) for number in range(1_000)}
    return texts | {f"pictures/{number}.jpg": chance.randbytes(150_000) for number in range(1_000)}


def add(provost, upload_id):
    """Adds a content of an upload; answers its version, and the seconds from the request until it was ready."""
    body = {"code": upload_id, "kind": "package", "title": "Bench", "language": "en"}
    content = provost.post("/v1/contents", body)["id"]
    token, began = provost.token(), time.monotonic()
    operation = provost.post(f"/v1/contents/{content}/versions", {"upload_id": upload_id})["id"]
    while True:
        now = provost.get(f"/v1/operations/{operation}", token)
        if now["finished_at"]:
            break
        time.sleep(0.01)
    if now["status"] != "succeeded":
        raise SystemExit(json.dumps(now))
    return provost.get(f"/v1/contents/{content}", token)["current_version_id"], time.monotonic() - began


class Memory:
    """The most resident memory of a process meanwhile, in MiB more than before."""

    def __init__(self, pid):
        self.pid, self.before, self.most, self.is_over = pid, memory_of(pid), 0, False

    def __enter__(self):
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        return self

    def run(self):
        while not self.is_over:
            self.most = max(self.most, memory_of(self.pid) - self.before)
            time.sleep(0.02)

    def __exit__(self, *_):
        self.is_over = True
        self.thread.join()


def importing(provost, folder):
    archive = folder / "typical.zip"
    package(archive, typical())
    with zipfile.ZipFile(archive) as opened:
        size = sum(entry.file_size for entry in opened.infolist()) / 1e6
    # Read once before, so that both find it in the page cache.
    upload = put(provost.token(), archive)
    unzipped = folder / "unzipped"
    unzip = seconds_of(lambda: subprocess.run(["unzip", "-q", str(archive), "-d", str(unzipped)], check=True))
    shutil.rmtree(unzipped)
    _, importing = add(provost, upload["id"])
    print(f"import of {size:.0f} MB in 2,002 files: {size / importing:.0f} MB/s; unzip: {size / unzip:.0f} MB/s; {unzip / importing:.0%} (limit: 50 %)", flush=True)
    archive.unlink()
    large = folder / "large.zip"
    package(large, {f"films/{number}.mp4": 32 << 20 for number in range(64)})
    upload = put(provost.token(), large)
    large.unlink()
    with Memory(provost.process.pid) as memory:
        _, seconds = add(provost, upload["id"])
    print(f"import of 2 GiB: {2147 / seconds:.0f} MB/s, {memory.most:.0f} MiB more (limit: 100 MB)", flush=True)


def launches(provost, version):
    """Launches of a course of a package, one for each client."""
    activity = {"title": "Bench", "kind": "content", "content_version_id": version}
    course = provost.post("/v1/courses", {"code": "bench", "title": "Bench", "language": "en", "modules": [{"title": "All", "activities": [activity]}]})
    provost.post(f"/v1/courses/{course['id']}/publications")
    activity = provost.get(f"/v1/courses/{course['id']}")["modules"][0]["activities"][0]["id"]
    paths = []
    for number in range(1, CLIENTS + 1):
        user = provost.psql(f"SELECT id FROM users WHERE username = 'user{number}'").strip()
        enrollment = provost.post("/v1/enrollments", {"user_id": user, "course_id": course["id"]})["id"]
        provost.patch(f"/v1/users/{user}/password", {"password": PASSWORD}, method="PUT")
        learner = provost.token(f"user{number}")
        launch = provost.post(f"/v1/enrollments/{enrollment}/activities/{activity}/launches", token=learner)
        paths.append(launch["url"].split(CONTENT, 1)[1])
    return paths


def wrk(script, folder, connections):
    """Requests a second of a load that a script of wrk makes."""
    file = folder / "load.lua"
    file.write_text(script)
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "-s", str(file), f"http://{CONTENT}/"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in output:
        raise SystemExit(output)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1))


def storing(provost, paths, folder):
    listed = ", ".join(json.dumps(path + "_/commit") for path in paths)
    load = f"""
        local paths, seq, filling = {{ {listed} }}, 0, string.rep("x", {STORED - 10})
        local headers = {{ ["Content-Type"] = "application/json" }}
        request = function()
            seq = seq + 1
            local change = '{{"element":"cmi.suspend_data","value":"' .. filling .. seq .. '","seq":' .. seq .. '}}'
            return wrk.format("POST", paths[seq % #paths + 1], headers, '{{"item":"one","changes":[' .. change .. ']}}')
        end"""
    provost.psql("CREATE TABLE bench_rows (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, data text NOT NULL)")
    script = folder / "row.sql"
    script.write_text(f"INSERT INTO bench_rows (data) VALUES (repeat('x', {STORED}));")
    command = ["pgbench", "-n", "-M", "prepared", f"-c{CLIENTS}", "-j2", f"-T{SECONDS}", "-f", str(script), "-h", str(provost.folder / "run"), "-U", "provost", "provost"]
    # As it is, where a fast disk leaves the processor as the limit, and as on a disk that syncs in milliseconds.
    for delay in [0, SYNC]:
        for setting in [f"commit_delay = {delay}", f"commit_siblings = {0 if delay else 5}"]:
            provost.psql(f"ALTER SYSTEM SET {setting}")
        provost.psql("SELECT pg_reload_conf()")
        mine = wrk(load, folder, CLIENTS)
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        theirs = float(re.search(r"tps = ([\d.]+)", output).group(1))
        disk = f", a sync {delay / 1000:.0f} ms longer" if delay else ""
        print(f"commits of {STORED} bytes, {CLIENTS} clients{disk}: {mine:.0f} a second; rows: {theirs:.0f}; {mine / theirs:.0%} (limit: 50 %)", flush=True)
    provost.psql("ALTER SYSTEM RESET ALL")
    provost.psql("SELECT pg_reload_conf()")


def serving(path, folder, content):
    for kind in ["stored", "deflated"]:
        mine = wrk(f"""request = function() return wrk.format("GET", "{path}p/{kind}.bin") end""", folder, CONNECTIONS)
        theirs = nginx_serves(folder, f"{kind}.bin", content[f"{kind}.bin"])
        beside = f"; nginx: {theirs:.0f}; {mine / theirs:.0%} (limit: 25 %)" if theirs else "; nginx is not installed"
        print(f"{kind} files of {SMALL} bytes of a package: {mine:.0f} requests a second{beside}", flush=True)


def nginx_serves(folder, name, content):
    """Requests a second that nginx serves of a file; None where it is not installed."""
    if not shutil.which("nginx"):
        return None
    (folder / name).write_bytes(content)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = folder / "nginx.conf"
    settings.write_text(f"""
        user root; daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/error.log;
        events {{ worker_connections 256; }}
        http {{ access_log off; sendfile on; server {{ listen 127.0.0.1:{port}; root {folder}; }} }}""")
    server = subprocess.Popen(["nginx", "-c", str(settings), "-p", str(folder)])
    try:
        time.sleep(1)
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", f"http://127.0.0.1:{port}/{name}"]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        if "Non-2xx" in output:
            raise SystemExit(output)
        return float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1))
    finally:
        server.terminate()
        server.wait()


def main():
    os.environ["PROVOST_CONTENT_LISTEN"] = CONTENT
    folder = pathlib.Path(tempfile.mkdtemp(prefix="provost-content-", dir="/var/tmp"))
    try:
        with provost_of(CLIENTS) as provost:
            content = {"stored.bin": os.urandom(SMALL), "deflated.bin": b"Fire doors stay shut. " * (SMALL // 22)}
            archive = folder / "small.zip"
            package(archive, content)
            version, _ = add(provost, put(provost.token(), archive)["id"])
            paths = launches(provost, version)
            serving(paths[0], folder, content)
            storing(provost, paths, folder)
            importing(provost, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
