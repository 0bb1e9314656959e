# SPDX-License-Identifier: GPL-2.0
"""Errors, the bases and architectures, git, commands with progress, the cache and its lock."""
import errno
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
    "model": (26, "the models of qemu/ can't be had for the installed QEMU"),
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
        if error.errno != errno.ENOSPC:
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

# ---- files

def path(*parts):
    """A path in the project."""
    return os.path.join(ROOT, *parts)

def read(file, default=None):
    if default is not None and not os.path.exists(file):
        return default
    with open(file, encoding="utf-8", errors="replace") as text:
        return text.read()

def write(file, text):
    """Replace a file in one step: who reads it sees the old or the new one."""
    os.makedirs(os.path.dirname(file), exist_ok=True)
    fresh = f"{file}.{os.getpid()}.{threading.get_ident()}.tmp"
    with open(fresh, "w", encoding="utf-8") as out:
        out.write(text)
    os.replace(fresh, file)

def lines(file):
    """The lines of a file that are neither empty nor a comment; none if there is no such file."""
    return [line for line in read(file, "").split("\n") if line and line[0] != "#"]

def last_line(log):
    return read(log, "").replace("\r", "").strip().split("\n")[-1][:90]

# ---- commands

def show(command):
    say("$ " + shlex.join(command))

def run(command, **options):
    """A command that has come to its end, with its exit code and all that it said."""
    return subprocess.run(command, **{"input": "", "stdout": subprocess.PIPE, **options}, stderr=subprocess.PIPE,
                          encoding="utf-8", errors="surrogateescape", check=False)

def must(stage, failure, command, **options):
    """What a command said that has to succeed."""
    done = run(command, **options)
    if done.returncode:
        raise Stop("disk" if "No space left" in done.stderr else stage, f"{failure}: {done.stderr.strip()[:500]}")
    return done.stdout

def progress(label, log, command, how_far=last_line, **options):
    """Run a command into a log, and say every ten seconds how far it is. Its exit code."""
    show(command)
    start = time.time()
    with open(log, "wb") as out, subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                                                  stderr=subprocess.STDOUT, **options) as process:
        while True:
            try:
                return process.wait(10)
            except subprocess.TimeoutExpired:
                say(f"  {label}: {time.time() - start:.0f} s: {how_far(log)}")

def git(where, *args, check=True, stdin="", index=None):
    """What a git command says; with check=False, the whole result."""
    command = ["git", "-C", where, *args]
    options = {"input": stdin, "env": dict(os.environ, GIT_INDEX_FILE=index) if index else None}
    if not check:
        return run(command, **options)
    return must("source", f"git {' '.join(args[:2])} fails in {where}", command, **options).rstrip("\n")

def clean_environment():
    """Nothing of the user's git configuration counts, nor of the make that called us."""
    for name in [n for n in os.environ if re.match(r"GIT_|MAKEFLAGS$|MFLAGS$|MAKELEVEL$|MAKEOVERRIDES$", n)]:
        del os.environ[name]
    os.environ.update(
        GIT_CONFIG_NOSYSTEM="1", GIT_CONFIG_GLOBAL=os.path.join(HARNESS, "gitconfig"), GIT_OPTIONAL_LOCKS="0",
        GIT_TERMINAL_PROMPT="0", GIT_AUTHOR_DATE="@0 +0000", GIT_COMMITTER_DATE="@0 +0000", LC_ALL="C", TZ="UTC")

# ---- bases and architectures

def settings(file):
    """Lines KEY=value, quoted as in a shell."""
    return dict(word.partition("=")[::2] for word in shlex.split(read(file), comments=True))

class Base:
    """bases/<name>/base.conf"""

    def __init__(self, name):
        if name not in bases():
            raise Stop("usage", f"unknown base '{name}'; known: {' '.join(bases())}. "
                                "CONTRIBUTING.md says how to add one")
        words = settings(path("bases", name, "base.conf"))
        self.name = name
        self.get = lambda key, default="": words.get("BASE_" + key, default)
        self.layers, self.arches = self.get("LAYERS").split(), self.get("ARCHES").split()
        if not self.layers or not self.arches:
            raise Stop("source", f"bases/{name}/base.conf must set BASE_LAYERS and BASE_ARCHES")

    def arch(self, name):
        arch = Arch(name)
        if name not in self.arches:
            raise Stop("usage", f"base {self.name} is not for ARCH '{name}', only for: {' '.join(self.arches)}")
        return arch

class Arch:
    """harness/arch/<name>"""

    def __init__(self, name):
        if name not in arches():
            raise Stop("usage", f"unknown ARCH '{name}'; known: {' '.join(arches())}")
        words = settings(os.path.join(HARNESS, "arch", name))
        self.name, self.cross, self.packages = name, words["CROSS_COMPILE"], words["ARCH_PACKAGES"]
        self.image, self.qemu, self.machine, self.cpu, self.cpus, self.console = \
            (words[k] for k in "IMAGE QEMU MACHINE CPU CPUS CONSOLE".split())

def bases():
    return sorted(n for n in os.listdir(path("bases")) if os.path.exists(path("bases", n, "base.conf")))

def arches():
    return sorted(os.listdir(os.path.join(HARNESS, "arch")))

def wanted_arches(base):
    names = env("ARCH").split() or base.arches
    for name in names:
        base.arch(name)
    return names

# ---- Debian packages

PACKAGES = {
    "build": "git make gcc libc6-dev flex bison bc perl xz-utils libssl-dev ccache",
    "boot": "qemu-system-arm device-tree-compiler e2fsprogs",
    "check": "git make perl shellcheck codespell",
    "test": "bats gcc libc6-dev git device-tree-compiler e2fsprogs coccinelle libpython3-dev acpica-tools "
            "python3-clang-14",
    "lint": "sparse",
    "acpi": "acpica-tools qemu-efi-aarch64",
    "board": "git make xz-utils qemu-system-arm device-tree-compiler",
    "model": "qemu-system-arm gcc libc6-dev libglib2.0-dev pkg-config dpkg-dev xz-utils",
    "tools612": "linux-source-6.12 xz-utils",
}

def deps(*groups):
    """See to it that packages are installed: those of a key of PACKAGES, or the names themselves."""
    names = sorted({name for group in groups for name in PACKAGES.get(group, group).split()})
    missing = [name for name in names
               if run(["dpkg-query", "-W", "-f", "${db:Status-Status}", name]).stdout != "installed"]
    if not missing:
        return
    if not shutil.which("apt-get"):
        raise Stop("deps", f"this is not Debian: install what Debian 12 calls {' '.join(missing)}")
    get = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if run(["id", "-u"]).stdout.strip() != "0":
        raise Stop("deps", f"missing packages. As root: {' '.join(w for w in get if w != '-y')}")
    make_cache()
    log, os.environ["DEBIAN_FRONTEND"] = os.path.join(CACHE, "apt.log"), "noninteractive"
    # The lists of a fresh image are empty, and old ones name packages that are gone.
    if progress("install packages", log, get) and (progress("apt-get update", log, ["apt-get", "update"]) or
                                                   progress("install packages", log, get)):
        raise Stop("deps", f"apt-get could not install {' '.join(missing)}: see {log}")

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

def lock(where):
    """One run at a time in this directory of the cache."""
    file = os.open(os.path.join(where, "lock"), os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Stop("busy", f"another run (process {os.read(file, 20).decode() or '?'}) is using {where}: "
                           "wait for it, or name another cache with CACHE=DIR") from None
    os.truncate(file, 0)
    os.write(file, str(os.getpid()).encode())

def lock_cache():
    """One run at a time per cache: sources and builds are shared between runs."""
    if env("DEFER_LOCKED"):
        return
    make_cache()
    lock(CACHE)
    os.environ["DEFER_LOCKED"] = "1"

clean_environment()
