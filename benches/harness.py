"""What the benchmarks share: a Provost on a private PostgreSQL of its own, and what processes use."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager

ROOT = pathlib.Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
PASSWORD = "benchmark-password"
LISTEN = "127.0.0.1:18080"
ADDRESS = f"http://{LISTEN}"

PEOPLE = """
INSERT INTO users (id, username, username_folded, email, email_folded, given_name, given_name_folded, family_name, family_name_folded,
    status, title, department, hired_on, created_at, updated_at)
SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'user' || n, 'user' || n, 'user' || n || '@example.com', 'user' || n || '@example.com',
       'Given' || n % 997, 'given' || n % 997, 'Family' || n % 9973, 'family' || n % 9973, 'active',
       'Technician', 'Department ' || n % 40, date '2015-01-01' + n % 3000, now() - n * interval '1 second', now()
FROM generate_series(1, {count}) AS n;
INSERT INTO user_history (id, user_id, valid_from, status, title, department) SELECT gen_random_uuid(), id, created_at, status, title, department FROM users
ON CONFLICT DO NOTHING;
INSERT INTO reporting_lines (ancestor_id, descendant_id, depth) SELECT id, id, 0 FROM users ON CONFLICT DO NOTHING;
ANALYZE users, user_history, reporting_lines;
"""


def children_of(pid):
    """All processes below `pid`."""
    below = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            below.setdefault(parent, []).append(int(entry.name))
    found, queue = [], [pid]
    while queue:
        for child in below.get(queue.pop(), []):
            found.append(child)
            queue.append(child)
    return found


def cpu_of(pids):
    """CPU seconds that `pids` and their children that ended have used, user and system."""
    total = 0
    for pid in pids:
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += sum(int(field) for field in fields[11:15])
    return total / TICKS


def memory_of(pid):
    """Resident memory in MiB."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024


class Provost:
    """A server on a private PostgreSQL."""

    def __init__(self, binary, folder, arguments):
        self.binary, self.folder, self.process = binary, folder, None
        self.arguments = arguments
        self.environment = {
            **os.environ,
            "PROVOST_DATA_DIR": str(folder),
            "PROVOST_LISTEN": LISTEN,
            "PROVOST_ADMIN_PASSWORD": PASSWORD,
            # The load comes from one principal at one address.
            "PROVOST_RATE_LIMIT": "0",
            "RUST_LOG": "error",
        }
        self.environment.pop("DATABASE_URL", None)

    def command(self, *arguments):
        subprocess.run([self.binary, *arguments], env=self.environment, check=True, stdout=subprocess.DEVNULL)

    def start(self):
        """Starts the server and answers the seconds until it was ready."""
        began = time.monotonic()
        self.process = subprocess.Popen([self.binary, "serve", *self.arguments], env=self.environment)
        while True:
            try:
                urllib.request.urlopen(f"{ADDRESS}/readyz", timeout=1).read()
                break
            except OSError:
                if self.process.poll() is not None:
                    raise SystemExit("Provost stopped; see its message above")
                time.sleep(0.002)
        return time.monotonic() - began

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def psql(self, statement):
        command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-A", "-t", "-h", str(self.folder / "run"), "-U", "provost", "provost"]
        return subprocess.run(command, input=statement, text=True, check=True, capture_output=True).stdout

    def token(self, username="admin", password=PASSWORD):
        form = urllib.parse.urlencode({"grant_type": "password", "username": username, "password": password}).encode()
        with urllib.request.urlopen(f"{ADDRESS}/oauth/token", form) as answer:
            return json.load(answer)["access_token"]

    def postgres(self):
        """PostgreSQL's processes: all below Provost's."""
        return children_of(self.process.pid)

    def get(self, path, token=None):
        """GETs as the administrator and answers what came back."""
        return self._ask(urllib.request.Request(ADDRESS + path), token)

    def post(self, path, body=None, token=None):
        """POSTs as the administrator and answers what came back."""
        headers = {"Content-Type": "application/json"}
        return self._ask(urllib.request.Request(ADDRESS + path, json.dumps(body or {}).encode(), headers), token)

    def patch(self, path, body, token=None, method="PATCH"):
        """PATCHes as the administrator, whatever the version."""
        headers = {"Content-Type": "application/json", "If-Match": "*"}
        return self._ask(urllib.request.Request(ADDRESS + path, json.dumps(body).encode(), headers, method=method), token)

    def _ask(self, request, token=None):
        request.add_header("Authorization", f"Bearer {token or self.token()}")
        try:
            with urllib.request.urlopen(request) as answer:
                body = answer.read()
                return json.loads(body) if body else None
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{request.full_url}: {error.read().decode()}")

@contextmanager
def provost_of(people, *arguments):
    """A Provost that was just built and holds `people`, served with `arguments`; it and its data are gone afterwards."""
    binary = os.environ.get("PROVOST_BIN")
    if not binary:
        subprocess.run(["cargo", "build", "--release", "--locked"], cwd=ROOT, check=True)
        binary = str(ROOT / "target/release/provost")
    # Not below a home folder: the private PostgreSQL runs as a user of its own.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="provost-bench-", dir="/var/tmp"))
    folder.chmod(0o755)
    provost = Provost(binary, folder / "data", arguments)
    try:
        provost.command("create-admin")
        provost.first_start = provost.start()
        provost.psql(PEOPLE.format(count=people))
        provost.psql("VACUUM ANALYZE users")
        yield provost
    finally:
        if provost.process is not None and provost.process.poll() is None:
            provost.stop()
        shutil.rmtree(folder, ignore_errors=True)
