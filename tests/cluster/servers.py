"""Postgres and Redis as child processes: for a cluster on one machine. Standard library only.

Invariant: nothing of the system's own servers is touched; everything lies in the directory given, which survives restarts.
"""

import contextlib
import json
import os
import pathlib
import pwd
import random
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time

START_S = 60
EPHEMERAL = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
handed_out = set()


class Trouble(Exception):
    """What keeps the cluster from starting, in a sentence."""


def free_port() -> int:
    """A port no outgoing connection can take before its server binds it: those are below the kernel's own range."""
    low = int(EPHEMERAL.read_text().split()[0]) if EPHEMERAL.exists() else 32768
    while True:
        port = random.randrange(low // 2, low)
        if port in handed_out:
            continue
        handed_out.add(port)
        with contextlib.suppress(OSError), socket.socket() as s:
            s.bind(("127.0.0.1", port))
            return port


def eventually(check, what, within_s=START_S):
    """Polls `check` until it returns something true; fails with `what` when it never does."""
    deadline = time.monotonic() + within_s
    while True:
        last = check()
        if last:
            return last
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s} s: {what}; last seen: {last!r}")
        time.sleep(0.02)


def private_json(path, content):
    """Writes `path` whole or not at all, readable by its owner alone."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file, indent=2)
    fresh.rename(path)


class Process:
    """A child with its output in a file of its own (mode 0600) and out of reach of the terminal's Ctrl-C."""

    def __init__(self, arguments, log, env=None, **options):
        with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
            self.process = subprocess.Popen(
                arguments, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, **options
            )
        log.with_suffix(".pid").write_text(f"{self.process.pid} {arguments[0]}")

    def alive(self):
        return self.process.poll() is None

    def send(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.send(signal.SIGKILL)
        self.process.wait()

    def stop(self, number=signal.SIGTERM, within_s=START_S):
        """Asks it to end and returns its exit code; one that does not end is killed, and that is an error."""
        if self.alive():
            self.send(number)
            try:
                self.process.wait(timeout=within_s)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        return self.process.returncode


def left_over(directory):
    """Process ids of an earlier launcher's children that still run: it was killed and could not stop them."""
    found = []
    for file in directory.rglob("*.pid"):
        pid, _, program = file.read_text().partition(" ")
        try:
            running = os.path.basename(os.readlink(f"/proc/{pid}/exe")).removesuffix(" (deleted)")
        except OSError:
            continue
        # Redis may run as another program than it was called by.
        if running.startswith(os.path.basename(program).split("-")[0]):
            found.append(pid)
    return found


def find(program, folders=()):
    """Where a program is: in PATH, or in one of the folders, the newest first."""
    inside = [p for pattern in folders for p in sorted(pathlib.Path("/").glob(pattern), reverse=True)]
    found = next((str(folder / program) for folder in inside if (folder / program).exists()), shutil.which(program))
    if not found:
        raise Trouble(f"{program} is not installed: run tests/install.sh servers as root, or install Postgres and Redis")
    return found


class Servers:
    """One Postgres and one Redis. `database(name)` makes a database with its two roles."""

    def __init__(self, directory, postgres_port=None, redis_port=None, durable=True):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.postgres_port, self.redis_port = postgres_port or free_port(), redis_port or free_port()
        self.durable = durable
        self.passwords = self._passwords()
        self.postgres = self.redis = None

    def start(self):
        self.start_redis()
        self.start_postgres()
        return self

    def stop(self):
        for one in (self.redis, self.postgres):
            if one:
                # Postgres: SIGINT ends sessions and writes a checkpoint.
                one.stop(signal.SIGINT)

    def destroy(self):
        """Stops both and removes what they kept."""
        self.stop()
        home = self.directory / "postgres"
        shutil.rmtree(home.resolve(), ignore_errors=True)
        if home.is_symlink():
            home.unlink()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _passwords(self):
        path = self.directory / "passwords.json"
        if not path.exists():
            private_json(path, {name: secrets.token_hex(16) for name in ("postgres", "weir_owner", "weir_app", "redis")})
        return json.loads(path.read_text())

    # ---- Postgres

    def start_postgres(self):
        """Starts Postgres and waits until it answers; the first time it is made."""
        user = _another_user()
        home = self._postgres_home(user)
        data = home / "data"
        folders = ("usr/lib/postgresql/*/bin",)
        if not (data / "PG_VERSION").exists():
            password = home / "password"
            password.write_text(self.passwords["postgres"])
            os.chmod(password, 0o600)
            if user:
                os.chown(password, user["uid"], user["gid"])
            command = [find("initdb", folders), "-D", data, "-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8",
                       "--locale=C", "--no-sync", f"--pwfile={password}"]
            made = subprocess.run(command, capture_output=True, text=True, cwd="/", **_as(user))
            password.unlink()
            if made.returncode:
                raise Trouble(f"the database cannot be made: {made.stderr.strip()}")
        command = [find("postgres", folders), "-D", data, "-h", "127.0.0.1", "-p", str(self.postgres_port), "-k", ""]
        if not self.durable:
            # What is written survives the end of a process, not of the machine.
            command += ["-c", "fsync=off", "-c", "full_page_writes=off"]
        command += ["-c", "max_connections=300", "-c", "log_min_messages=fatal"]
        self.postgres = Process(command, self.directory / "postgres.log", cwd="/", **_as(user))
        eventually(self._postgres_answers, f"Postgres answers; see {self.directory}/postgres.log")
        return self.postgres

    def _postgres_home(self, user):
        home = self.directory / "postgres"
        if home.exists():
            return home.resolve()
        if not user:
            home.mkdir(mode=0o700)
            return home
        # Postgres refuses to run as root, and another user may have no way into our directory.
        below = "/var/lib" if self.durable else None
        real = pathlib.Path(tempfile.mkdtemp(prefix="weir-cluster-", dir=below))
        os.chown(real, user["uid"], user["gid"])
        home.symlink_to(real)
        return real

    def _postgres_answers(self):
        if not self.postgres.alive():
            raise Trouble(f"Postgres has ended; {self.directory}/postgres.log says why")
        return self._psql("SELECT 1").returncode == 0

    def _psql(self, sql, database="postgres"):
        command = [find("psql"), "-h", "127.0.0.1", "-p", str(self.postgres_port), "-U", "postgres", "-d", database,
                   "-v", "ON_ERROR_STOP=1", "-X", "-q", "-A", "-t", "-f", "-"]
        environment = {**os.environ, "PGPASSWORD": self.passwords["postgres"], "PGCONNECT_TIMEOUT": "5"}
        return subprocess.run(command, input=sql, env=environment, capture_output=True, text=True)

    def sql(self, sql, database="postgres"):
        """Runs statements as the superuser; returns what they print."""
        done = self._psql(sql, database)
        if done.returncode:
            raise Trouble(f"Postgres refuses: {done.stderr.strip()}")
        return done.stdout.strip()

    def stop_postgres(self, number=signal.SIGINT):
        """SIGINT: fast; SIGQUIT: immediate, as after a crash."""
        self.postgres.stop(number)

    def database(self, name):
        """Makes database and roles where they are missing: the owner of the schema, and the role that owns nothing."""
        for role in ("weir_owner", "weir_app"):
            if not self.sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{role}'"):
                self.sql(f"CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS "
                         f"PASSWORD '{self.passwords[role]}'")
        if not self.sql(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
            self.sql(f"CREATE DATABASE {name} OWNER weir_owner")
            self.sql(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC; GRANT CONNECT ON DATABASE {name} TO weir_app")

    def url(self, role, database, password=None):
        return f"postgres://{role}:{password or self.passwords[role]}@127.0.0.1:{self.postgres_port}/{database}"

    # ---- Redis

    def start_redis(self):
        """Starts Redis, which keeps nothing, and waits until it answers."""
        settings = self.directory / "redis.conf"
        settings.unlink(missing_ok=True)
        lines = [f"port {self.redis_port}", "bind 127.0.0.1", 'save ""', "appendonly no", f'dir "{self.directory.resolve()}"',
                 f"requirepass {self.passwords['redis']}"]
        with open(os.open(settings, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write("\n".join(lines) + "\n")
        self.redis = Process([find("redis-server"), settings], self.directory / "redis.log")
        eventually(self._redis_answers, f"Redis answers; see {self.directory}/redis.log")
        return self.redis

    def _redis_answers(self):
        if not self.redis.alive():
            raise Trouble(f"Redis has ended; {self.directory}/redis.log says why")
        try:
            return b"PONG" in self.redis_command("PING")
        except OSError:
            return False

    def redis_command(self, text):
        with socket.create_connection(("127.0.0.1", self.redis_port), timeout=5) as connection:
            connection.sendall(f"AUTH {self.passwords['redis']}\r\n{text}\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2 and (more := connection.recv(4096)):
                answer += more
            return answer

    def stop_redis(self):
        self.redis.stop(signal.SIGTERM)

    def redis_url(self, password=None):
        return f"redis://:{password or self.passwords['redis']}@127.0.0.1:{self.redis_port}/0"


def _another_user():
    """Whom Postgres runs as where we are root; none otherwise."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("postgres")
    except KeyError:
        raise Trouble("Postgres does not run as root, and there is no user `postgres`: install Postgres first") from None
    return {"uid": entry.pw_uid, "gid": entry.pw_gid}


def _as(user):
    return {"user": user["uid"], "group": user["gid"], "extra_groups": []} if user else {}
