# SPDX-License-Identifier: GPL-2.0
"""The models of qemu/ for the QEMU that Debian has installed: a shared object that is preloaded into it.
It is compiled against the headers of the source package of exactly this version, and kept in the cache."""
import glob
import os
import platform
import re
import tempfile
from defer import boot, debian, lib

PACKAGE, QEMU = "qemu-system-arm", lib.env("QEMU", "/usr/bin/qemu-system-aarch64")
# The versions that qemu/*.c are written for.
FITS = ("7.2",)
# What names of this host are called in QEMU's sources: tried on these only.
HOSTS = {"x86_64": ("HOST_X86_64", "asm-x86", "tcg/i386")}
WITHOUT = "make boot goes on without them: there the registers of an IPMMU are plain memory, and no DMA passes through it"
KEPT = "include target/arm qapi scripts linux-headers tcg trace VERSION".split()
# What Debian's configure finds and the headers ask for. Structs don't depend on more.
CONFIG = "CONFIG_LINUX CONFIG_POSIX CONFIG_TCG CONFIG_INT128 CONFIG_MADVISE CONFIG_IOVEC CONFIG_MODULES " \
         "CONFIG_PLUGIN HAVE_STRCHRNUL HAVE_SYSTEM_FUNCTION"
TARGET = "aarch64-softmmu-config-target.h"
FLAGS = "-O2 -fPIC -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers " \
        "-Werror -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_LARGEFILE_SOURCE -fno-strict-aliasing -fwrapv"
# Files of a target, like the machines, see its CPUs.
TARGET_FLAGS = ["-DNEED_CPU_H", f'-DCONFIG_TARGET="{TARGET}"', '-DCONFIG_DEVICES="/dev/null"']

def source_version():
    """That of the source package that the installed QEMU was built from, as in "1:7.2+dfsg-7+deb12u18"."""
    done = lib.run(["dpkg-query", "-W", "-f", "${source:Version}", PACKAGE])
    if done.returncode or not done.stdout or not os.access(QEMU, os.X_OK):
        raise lib.Stop("model", f"{QEMU} is not of Debian's package {PACKAGE}: install that, or build the models into "
                                "a QEMU of your own, see qemu/README.md")
    upstream = re.sub(r"^\d+:", "", done.stdout)
    if not re.match(rf"({'|'.join(map(re.escape, FITS))})\D", upstream):
        raise lib.Stop("model", f"qemu/*.c are written for QEMU {' and '.join(FITS)}, and {PACKAGE} is {done.stdout}: "
                                "port them (qemu/README.md says what differs), then add the version to FITS in "
                                "harness/defer/model.py")
    return done.stdout

def sources():
    found = sorted(file for ending in ("*.[ch]", "trace-events") for file in glob.glob(lib.path("qemu", ending)))
    return [*found, os.path.join(lib.HARNESS, "preload.c")]

# ---- QEMU's headers

def download(version, where):
    """The source package, by lists of its own: the machine's apt has no deb-src lines, and gets none."""
    os.makedirs(where + "/lists/partial")
    lib.write(where + "/sources.list", debian.repositories("deb-src"))
    get = ["apt-get", "-q", "-o", f"Dir::Etc::sourcelist={where}/sources.list", "-o", "Dir::Etc::sourceparts=/dev/null",
           "-o", f"Dir::State::lists={where}/lists", "-o", f"Dir::Cache={where}", "-o", "APT::Sandbox::User=root",
           "-o", "Debug::NoLocking=1"]
    log = where + "/apt.log"
    lib.progress("lists of source packages", log, [*get, "update"])
    said = lib.read(log)
    if not lib.progress("source of QEMU", log, [*get, "source", "--download-only", f"qemu={version}"], cwd=where):
        return glob.glob(where + "/*.dsc")[0]
    failed = debian.unreachable(said + lib.read(log))
    if failed:
        raise lib.Stop("model", f"no network, or no mirror: {failed}; the same command goes on from here")
    raise lib.Stop("model", f"the mirrors have no source of qemu {version} (any more): update {PACKAGE} with "
                            f"apt-get update && apt-get install {PACKAGE}; apt-get said: {lib.last_line(log)}")

def headers(version):
    """A directory with QEMU's headers and what is generated for them. Unpacked once for each version."""
    place = os.path.join(lib.CACHE, "qemu")
    store = os.path.join(place, f"{re.sub('^[0-9]+:', '', version)}-{lib.digest(KEPT, CONFIG)}")
    if os.path.exists(store):
        return store
    os.makedirs(place, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place) as scratch:
        dsc = download(version, scratch + "/download")
        whole, src = scratch + "/whole", scratch + "/src"
        if lib.progress("unpack QEMU", scratch + "/log", ["dpkg-source", "--no-check", "-x", dsc, whole]):
            raise lib.Stop("model", f"dpkg-source fails: {lib.last_line(scratch + '/log')}")
        for name in KEPT:
            os.makedirs(os.path.dirname(f"{src}/{name}"), exist_ok=True)
            os.rename(f"{whole}/{name}", f"{src}/{name}")
        generate(src)
        try:
            os.rename(src, store)
        except OSError:
            if not os.path.exists(store):       # or another run was faster
                raise
    return store

def host():
    if platform.machine() not in HOSTS:
        raise lib.Stop("model", f"the models were never compiled on {platform.machine()}: see HOSTS in "
                                "harness/defer/model.py")
    return HOSTS[platform.machine()]

def generate(src):
    """In place of configure and meson: headers that QEMU's include."""
    define, asm, _ = host()
    names = [*CONFIG.split(), define]
    lib.write(src + "/gen/config-host.h", "".join(f"#define {name} 1\n" for name in names))
    lib.write(src + "/gen/config-poison.h", "")
    target = "TARGET_AARCH64 TARGET_ARM CONFIG_SOFTMMU TARGET_SUPPORTS_MTTCG".split()
    lib.write(f"{src}/gen/{TARGET}", '#define TARGET_NAME "aarch64"\n' + "".join(f"#define {n} 1\n" for n in target))
    os.makedirs(src + "/gen/linux-headers")
    os.symlink(f"../../linux-headers/{asm}", src + "/gen/linux-headers/asm")
    lib.must("model", "qapi-gen.py fails", ["python3", "-B", src + "/scripts/qapi-gen.py", "-o", src + "/gen/qapi",
                                            "-b", src + "/qapi/qapi-schema.json"])

# ---- the object

def compile_object(src, out, where, only=None):
    """All files of qemu/, and their trace events; with only=, one file, and the objects in where/ of the others."""
    os.makedirs(where + "/trace", exist_ok=True)
    for form in "ch":
        lib.must("model", "tracetool.py fails", [
            "python3", "-B", src + "/scripts/tracetool.py", "--backend=log", "--group=hw_rcar", f"--format={form}",
            lib.path("qemu/trace-events"), f"{where}/trace/trace-hw_rcar.{form}"])
    glib = lib.must("model", "pkg-config knows no glib-2.0", ["pkg-config", "--cflags", "glib-2.0"]).split()
    include = [f"-I{path}" for path in (where, where + "/trace", src + "/gen", src + "/gen/qapi",
                                        src + "/gen/linux-headers", src, src + "/include", f"{src}/{host()[2]}")]
    flags = [*FLAGS.split(), *include, "-isystem", src + "/linux-headers", *glib]

    def one(file):
        named = os.path.join(where, os.path.basename(file) + ".o")
        if only and os.path.basename(file) != only:
            return named
        target = [*TARGET_FLAGS, f"-I{src}/target/arm"] if '"cpu.h"' in lib.read(file) else []
        against = lib.read(src + "/VERSION").strip()
        lib.must("model", f"{os.path.basename(file)} does not compile against QEMU {against}",
                 ["gcc", *flags, *target, "-c", file, "-o", named])
        return named
    files = [file for file in sources() if file.endswith(".c")]
    lib.say(f"$ gcc ... -c qemu/{only or '*.c'}; gcc -shared ... -o {os.path.basename(out)}")
    objects = boot.in_parallel(one, [*files, where + "/trace/trace-hw_rcar.c"])
    # Each symbol is looked for when QEMU starts, not when it is used.
    lib.must("model", "the object does not link", ["gcc", "-shared", "-Wl,-z,now", "-o", out, *objects])

def preloaded(shared):
    """Only QEMU is to have it: other programs lack the symbols."""
    return ["env", f"LD_PRELOAD={shared}", QEMU]

def try_object(shared):
    done = lib.run([*preloaded(shared), "-M", "help"])
    if "symbol lookup error" in done.stderr:
        raise lib.Stop("model", f"{QEMU} does not export what the models need, as Debian's does: build them into a "
                                f"QEMU of your own, see qemu/README.md; it said: {done.stderr.strip()[:300]}")
    if "rcar-h3" not in done.stdout:
        raise lib.Stop("model", f"{QEMU} does not know the machines of the models: {done.stderr.strip()[:300]}")

def qemu():
    """The command that starts QEMU with the models; what is missing is made first. MODEL= names another object."""
    if lib.env("MODEL"):
        return preloaded(lib.env("MODEL"))
    lib.deps("model")
    try:
        return preloaded(installed())
    except lib.Stop as stop:
        if stop.stage == "model":
            raise lib.Stop("model", f"{stop}\n{WITHOUT}") from None
        raise

def installed():
    """The path of the object for the installed QEMU, which is made if it isn't there."""
    version = source_version()
    host()
    lib.make_cache()
    src = headers(version)
    name = lib.digest(*map(os.path.basename, sources()), *(("file", f) for f in sources()), ("file", __file__))
    shared = f"{src}/rcar-{name}.so"
    if not os.path.exists(shared):
        with tempfile.TemporaryDirectory(dir=src) as scratch:
            compile_object(src, scratch + "/rcar.so", scratch)
            try_object(scratch + "/rcar.so")
            for old in glob.glob(src + "/rcar-*.so"):
                os.remove(old)
            os.replace(scratch + "/rcar.so", shared)
    return shared
