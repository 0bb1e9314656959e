# SPDX-License-Identifier: GPL-2.0
"""Errors, the bases and architectures, git, commands with progress, the cache and its lock."""
import fcntl
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time

HARNESS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# The harness's own tests point this at a toy project.
ROOT = os.environ.get("DEFER_ROOT") or os.path.dirname(HARNESS)
CACHE = os.path.realpath(os.environ.get("CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.join(os.environ.get("HOME", "/tmp"), ".cache"),
    "iommu-defer"))

# One exit code per stage. (make itself always exits with 2: it shows ours as "Error N".)
CODES = {
    "tests": (1, "a test failed, or the boot is not a clean pass"),
    "usage": (2, "an argument is missing or unknown (base, ARCH, UPTO, scenario)"),
    "deps": (10, "a Debian package is missing and we are not root"),
    "disk": (11, "too little disk space in the cache, or no cache at all"),
    "notree": (12, "TREE is not there, or is not a kernel tree"),
    "version": (13, "TREE is of a version that no base describes"),
    "dirty": (14, "TREE has uncommitted changes in files of the series"),
    "changed": (15, "the series does not apply: TREE has a changed file, or part of the series"),
    "busy": (16, "another run is using the cache"),
    "config": (17, "a requested Kconfig symbol did not survive"),
    "build": (18, "the kernel does not build"),
    "timeout": (19, "QEMU timed out"),
    "boot": (20, "the kernel said nothing, or nothing that is KTAP"),
    "source": (21, "patches/ or linux/ are not consistent, or cannot be imported"),
    "check": (22, "make check found something"),
    "flips": (23, "a fix breaks a test, or not everything passes with all fixes"),
    "release": (24, "make release refuses"),
}

class Stop(Exception):
    """An error that ends the program, with the exit code of a stage."""

    def __init__(self, stage, message):
        super().__init__(message)
        self.stage = stage

def main(function, *args):
    """Run a program: one message and one exit code, whatever goes wrong."""
    sys.stdout.reconfigure(line_buffering=True)
    try:
        sys.exit(function(*args))
    except Stop as stop:
        say(f"error: {stop}")
        sys.exit(CODES[stop.stage][0])
    except KeyboardInterrupt:
        say("error: interrupted; nothing was recorded, and the same command goes on from here")
        sys.exit(130)
    except OSError as error:
        if error.errno != 28:  # ENOSPC
            raise
        say(f"error: no space left for {error.filename or CACHE}: make room, or name another "
            "directory with CACHE=DIR; the same command goes on from here")
        sys.exit(CODES["disk"][0])

def say(text):
    print(text, file=sys.stderr, flush=True)

def env(name, default=""):
    return os.environ.get(name) or default

def digest(*parts):
    """A hash of strings, bytes and the contents of files (given as ("file", path))."""
    h = hashlib.sha256()
    for part in parts:
        if isinstance(part, tuple):
            with open(part[1], "rb") as file:
                part = file.read()
        part = part if isinstance(part, bytes) else str(part).encode()
        h.update(b"%d\0" % len(part) + part)
    return h.hexdigest()[:16]

def read(path, default=None):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        if default is None:
            raise
        return default

def write(path, text):
    """Replace a file in one step: who reads it sees the old or the new one."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    fresh = f"{path}.{os.getpid()}.{threading.get_ident()}.tmp"
    with open(fresh, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(fresh, path)

# ---- git: nothing of the user's configuration counts, and nothing is written to the user's tree

def clean_environment():
    for name in [n for n in os.environ if n.startswith("GIT_")] + [
            "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES"]:
        os.environ.pop(name, None)
    os.environ.update(
        GIT_CONFIG_NOSYSTEM="1", GIT_CONFIG_GLOBAL="/dev/null", GIT_OPTIONAL_LOCKS="0",
        GIT_TERMINAL_PROMPT="0", LC_ALL="C", TZ="UTC", GIT_AUTHOR_DATE="@0 +0000",
        GIT_COMMITTER_DATE="@0 +0000")
    pairs = ["user.name=iommu-defer", "user.email=iommu-defer@localhost", "safe.directory=*",
             "core.fsmonitor=false", "core.autocrlf=false", "core.attributesFile=/dev/null",
             "core.hooksPath=/dev/null", "core.whitespace=", "gc.auto=0", "maintenance.auto=false",
             "advice.detachedHead=false", "init.defaultBranch=main", "diff.renames=false"]
    os.environ["GIT_CONFIG_COUNT"] = str(len(pairs))
    for i, pair in enumerate(pairs):
        key, _, value = pair.partition("=")
        os.environ[f"GIT_CONFIG_KEY_{i}"], os.environ[f"GIT_CONFIG_VALUE_{i}"] = key, value

def git(where, *args, check=True, stdin=None, index=None):
    """Output of a git command; with check=False, the whole result."""
    done = subprocess.run(
        ["git", "-C", where, *args], input=stdin, text=True, errors="surrogateescape",
        capture_output=True, check=False,
        env=dict(os.environ, **({"GIT_INDEX_FILE": index} if index else {})))
    if not check:
        return done
    if done.returncode:
        stage = "disk" if "No space left" in done.stderr else "source"
        raise Stop(stage, f"git {' '.join(args[:2])} fails in {where}: {done.stderr.strip()}")
    return done.stdout.rstrip("\n")

# ---- bases and architectures

class Base:
    """bases/<name>/base.conf: lines KEY=value, quoted as in a shell."""

    def __init__(self, name):
        conf = os.path.join(ROOT, "bases", name, "base.conf")
        if not re.fullmatch(r"[A-Za-z0-9._-]+", name) or not os.path.exists(conf):
            raise Stop("usage", f"unknown base '{name}'; known: {' '.join(bases())}. "
                                "CONTRIBUTING.md says how to add one")
        words = dict(w.partition("=")[::2] for w in shlex.split(read(conf), comments=True))
        self.name = name
        self.get = lambda key, default="": words.get("BASE_" + key, default)
        self.layers = self.get("LAYERS").split()
        self.arches = self.get("ARCHES").split()
        if not self.layers or not self.arches:
            raise Stop("source", f"{conf} must set BASE_LAYERS and BASE_ARCHES")

    def arch(self, name):
        arch = Arch(name)
        if name not in self.arches:
            raise Stop("usage", f"base {self.name} is not for ARCH '{name}', only for: {' '.join(self.arches)}")
        return arch

    def splats(self):
        """Expressions of what the tests of this base provoke on purpose."""
        return [line for line in read(os.path.join(ROOT, "bases", self.name, "splats"), "").split("\n")
                if line and line[0] != "#"]

class Arch:
    def __init__(self, name):
        file = os.path.join(HARNESS, "arch", name)
        if not re.fullmatch(r"[a-z0-9]+", name) or not os.path.exists(file):
            known = " ".join(sorted(os.listdir(os.path.join(HARNESS, "arch"))))
            raise Stop("usage", f"unknown ARCH '{name}'; known: {known}")
        words = dict(w.partition("=")[::2] for w in shlex.split(read(file), comments=True))
        self.name, self.cross, self.packages = name, words["CROSS_COMPILE"], words["ARCH_PACKAGES"]
        self.image, self.qemu, self.machine, self.cpu, self.cpus, self.console = \
            (words[k] for k in "IMAGE QEMU MACHINE CPU CPUS CONSOLE".split())

def bases():
    where = os.path.join(ROOT, "bases")
    return sorted(n for n in os.listdir(where) if os.path.exists(os.path.join(where, n, "base.conf")))

def wanted_arches(base=None):
    names = env("ARCH").split() or (base.arches if base else ["arm", "arm64"])
    for name in names:
        base.arch(name) if base else Arch(name)
    return names

# ---- commands

def show(command):
    say("$ " + " ".join(shlex.quote(w) for w in command))

def last_line(log):
    lines = read(log, "").replace("\r", "").strip().split("\n")
    return lines[-1][:90]

def progress(label, log, command, how_far=last_line, **options):
    """Run a command into a log, and say every ten seconds how far it is. Its exit code."""
    show(command)
    done, start = threading.Event(), time.time()

    def tick():
        while not done.wait(float(env("TICK", "10"))):
            say(f"  {label}: {time.time() - start:.0f} s: {how_far(log)}")

    ticker = threading.Thread(target=tick, daemon=True)
    with open(log, "wb") as out:
        ticker.start()
        try:
            return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out,
                                  stderr=subprocess.STDOUT, check=False, **options).returncode
        finally:
            done.set()
            ticker.join()

def deps(*groups, base=None):
    """Install what the groups need, or say what is missing."""
    environment = dict(os.environ, **({"BASE": base} if base else {}))
    code = subprocess.run([os.path.join(HARNESS, "deps"), *groups], env=environment,
                          stdout=sys.stderr, check=False).returncode
    if code:
        sys.exit(code)

# ---- the cache

def make_cache():
    try:
        os.makedirs(CACHE, exist_ok=True)
        if os.access(CACHE, os.W_OK):
            return
    except OSError:
        pass
    raise Stop("disk", f"cannot write to the cache directory {CACHE}: name another one with CACHE=DIR")

def need_space():
    make_cache()
    need, free = int(env("NEED_GB", "8")), shutil.disk_usage(CACHE).free >> 30
    if free < need:
        raise Stop("disk", f"only {free} GB free in {CACHE}, {need} GB wanted: make room, or name "
                           "another directory with CACHE=DIR (NEED_GB=N changes the limit)")

def lock_cache():
    """One run at a time per cache: sources and builds are shared between runs."""
    if env("DEFER_LOCKED"):
        return
    make_cache()
    file = os.open(os.path.join(CACHE, "lock"), os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        pid = read(os.path.join(CACHE, "lock.pid"), "?").strip()
        raise Stop("busy", f"another run (process {pid}) is using {CACHE}: wait for it, or name another directory with CACHE=DIR") from None
    write(os.path.join(CACHE, "lock.pid"), f"{os.getpid()}\n")
    os.environ["DEFER_LOCKED"] = "1"

clean_environment()
