# SPDX-License-Identifier: GPL-2.0
"""Configures and builds a kernel, in o-ARCH below its source: then no path of this machine is in it,
and the same source gives the same image, and the same ccache entries, wherever it lies."""
import os
import re
import shutil
import subprocess
import time
from defer import lib

KUNIT = re.compile(r"CONFIG_(KUNIT|IOMMU_DEFER|RUNTIME_TESTING)")

def fragment(base, arch, tests=True):
    """The wanted lines of a .config; the user's own come last, and win."""
    user = lib.env("KCONFIG")
    if user and not os.path.exists(user):
        raise lib.Stop("usage", f"KCONFIG={user}: no such file")
    files = [os.path.join(lib.ROOT, "harness/kconfig/common"), os.path.join(lib.ROOT, "harness/kconfig", arch),
             os.path.join(lib.ROOT, "bases", base, "kconfig"),
             os.path.join(lib.ROOT, "bases", base, f"kconfig.{arch}")] + ([user] if user else [])
    lines = "".join(lib.read(f, "") for f in files).split("\n")
    if not tests:
        lines = [line for line in lines if not KUNIT.match(line)]
    words = dict(line.partition("=")[::2] for line in lines if line.startswith("CONFIG_"))
    return "".join(f"# {k} is not set\n" if v == "n" else f"{k}={v}\n" for k, v in words.items())

def make_command(base, arch, src):
    cached = "ccache " if shutil.which("ccache") else ""
    return ["make", "-C", src, f"O=o-{arch.name}", f"ARCH={arch.name}", f"CROSS_COMPILE={arch.cross}",
            f"CC={cached}{arch.cross}gcc", f"HOSTCC={cached}gcc", "KCFLAGS=-fmacro-prefix-map=../=",
            "LOCALVERSION=", *base.get("MAKEVARS").split()]

def environment(src):
    return dict(os.environ, CCACHE_DIR=lib.env("CCACHE_DIR", os.path.join(lib.CACHE, "ccache")),
                CCACHE_BASEDIR=src, CCACHE_NOHASHDIR="1",
                # Fixed, so that the same source gives the same kernel.
                KBUILD_BUILD_TIMESTAMP="Thu Jan 1 00:00:00 UTC 1970", KBUILD_BUILD_VERSION="1",
                KBUILD_BUILD_USER="iommu-defer", KBUILD_BUILD_HOST="localhost")

def configure(base, arch, src, tests):
    out = os.path.join(src, f"o-{arch.name}")
    log, config = os.path.join(out, "config.log"), os.path.join(out, ".config")
    wanted = os.path.join(out, "fragment")
    lib.write(wanted, fragment(base.name, arch.name, tests))
    old, time_of_old = lib.read(config, ""), os.stat(config).st_mtime_ns if os.path.exists(config) else 0
    # merge_config.sh calls make itself: what it must say goes with the environment.
    flags = " ".join(re.sub(r"([ \\])", r"\\\1", w) for w in make_command(base, arch, src)[4:])
    if lib.progress("configure", log, ["sh", "scripts/kconfig/merge_config.sh", "-n", "-O", out, wanted],
                    cwd=src, env=dict(environment(src), MAKEFLAGS=" -- " + flags)):
        said = re.search(r"^.*error.*$", lib.read(log), re.M | re.I)
        raise lib.Stop("config", f"merge_config.sh fails: {said[0] if said else lib.last_line(log)} (all of it: {log})")
    lost = re.findall(r"^Value requested for (\w+) not in final .config\nRequested value: *(.*)\nActual value: *(.*)$",
                      lib.read(log), re.M)
    lost = [want for _, want, have in lost if not (want.startswith("#") and "=" not in have)]
    if lost:
        raise lib.Stop("config", f"Kconfig did not keep: {' '.join(lost)}. A dependency is missing, or the symbol is "
                                 f"unknown to {base.name}")
    # An unchanged configuration keeps its time stamp, or all would be checked again.
    if lib.read(config) == old:
        os.utime(config, ns=(time_of_old, time_of_old))

def first_errors(log):
    lines = lib.read(log).rstrip("\n").split("\n")
    found = [f"{i + 1}:{line}" for i, line in enumerate(lines)
             if re.search(r"error:|undefined reference|No rule to make|Error [0-9]|No space left", line)]
    return "\n".join(found[:5] or lines[-5:])

def build(base, arch_name, src, tests=True, targets=()):
    """The path of the image; with targets, of make's log."""
    arch = base.arch(arch_name)
    out = os.path.join(src, f"o-{arch_name}")
    lib.deps(f"build-{arch_name}")
    if not os.path.exists(os.path.join(out, ".config")):
        lib.need_space()
    os.makedirs(out, exist_ok=True)
    start, log, mark = time.time(), os.path.join(out, "build.log"), os.path.join(out, "files")
    configure(base, arch, src, tests)
    known = lib.read(mark, "").strip() or base.get(f"FILES_{arch_name}", "?")

    def compiled():
        return len(re.findall(r"^  CC +\S", lib.read(log, ""), re.M))

    if lib.progress(f"build {base.name} {arch_name}", log,
                    [*make_command(base, arch, src), f"-j{os.cpu_count() + 1}", *(targets or [os.path.basename(arch.image)])],
                    how_far=lambda _: f"{compiled()} files compiled of at most {known}", env=environment(src)):
        stage = "disk" if "No space left" in lib.read(log) else "build"
        raise lib.Stop(stage, f"{base.name} does not build for {arch_name}:\n{first_errors(log)}\nAll of it: {log}")
    if not targets:
        # Not by glob(), which follows out/source back to here, and for ever.
        lib.write(mark, f"{sum(f.endswith('.o') and f != 'built-in.o' for _, _, fs in os.walk(out) for f in fs)}\n")
    lib.say(f"{base.name} {arch_name}: built in {time.time() - start:.0f} s, {compiled()} files compiled")
    return log if targets else os.path.join(out, arch.image)

def compiler(arch):
    return subprocess.run([arch.cross + "gcc", "--version"], capture_output=True, text=True,
                          check=False).stdout.split("\n")[0]
