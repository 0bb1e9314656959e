# SPDX-License-Identifier: GPL-2.0
"""Configures and builds a kernel, in o-ARCH below its source: then no path of this machine is in it,
and the same source gives the same image, and the same ccache entries, wherever it lies."""
import os
import re
import shutil
import time
from defer import lib

def fragment(base, arch, tests=True, wide=False, rfc=False):
    """The wanted lines of a .config; the user's own come last, and win. A wide one has all that fixes touch; with rfc
    it has what can only be built with the RFCs."""
    user = lib.env("KCONFIG")
    if user and not os.path.exists(user):
        raise lib.Stop("usage", f"KCONFIG={user}: no such file")
    files = [*(lib.path("harness/kconfig", name) for name in ("common", arch)),
             *(lib.path("bases", base, name) for name in ("kconfig", f"kconfig.{arch}")),
             *([lib.path("bases", base, f"kconfig.{arch}.rfc")] if rfc else []),
             *([lib.path("harness/kconfig/wide")] if wide else []), user]
    lines = [line for file in files for line in lib.lines(file) if line.startswith("CONFIG_")]
    words = dict(line.partition("=")[::2] for line in lines
                 if tests or not re.match("CONFIG_(KUNIT|IOMMU_DEFER|RUNTIME_TESTING)", line))
    return "".join(f"# {k} is not set\n" if v == "n" else f"{k}={v}\n" for k, v in words.items())

class Kernel:
    """A source and its build directory for an architecture."""

    def __init__(self, base, arch, src, out=""):
        self.base, self.arch, self.src = base, base.arch(arch), src
        self.out = os.path.join(src, out or f"o-{arch}")
        cached = "ccache " if shutil.which("ccache") else ""
        self.command = [
            "make", "-C", src, f"O={os.path.basename(self.out)}", f"ARCH={arch}", f"CROSS_COMPILE={self.arch.cross}",
            f"CC={cached}{self.arch.cross}gcc", f"HOSTCC={cached}gcc", "KCFLAGS=-fmacro-prefix-map=../=",
            "LOCALVERSION=", *base.get("MAKEVARS").split()]
        self.environment = dict(
            os.environ, CCACHE_DIR=lib.env("CCACHE_DIR", os.path.join(lib.CACHE, "ccache")),
            CCACHE_BASEDIR=src, CCACHE_NOHASHDIR="1",
            # Fixed, so that the same source gives the same kernel.
            KBUILD_BUILD_TIMESTAMP="Thu Jan 1 00:00:00 UTC 1970", KBUILD_BUILD_VERSION="1",
            KBUILD_BUILD_USER="iommu-defer", KBUILD_BUILD_HOST="localhost")

    def configure(self, wanted, strict=True, optional=()):
        """The .config of these lines; with strict, each of them must be in it. Optional ones are added to them."""
        lib.deps("build", self.arch.packages)
        log, config = os.path.join(self.out, "config.log"), os.path.join(self.out, ".config")
        if not os.path.exists(config):
            lib.need_space()
        lib.write(os.path.join(self.out, "fragment"), wanted + "".join(f"{line}\n" for line in optional))
        old, times = lib.read(config, ""), os.stat(config) if os.path.exists(config) else None
        # merge_config.sh calls make itself: what it must say goes with the environment.
        flags = " ".join(re.sub(r"([ \\])", r"\\\1", w) for w in self.command[4:])
        if lib.progress("configure", log, ["sh", "scripts/kconfig/merge_config.sh", "-n", "-O", self.out,
                                           os.path.join(self.out, "fragment")],
                        cwd=self.src, env=dict(self.environment, MAKEFLAGS=" -- " + flags)):
            said = re.search(r"^.*error.*$", lib.read(log), re.M | re.I)
            raise lib.Stop("config", f"merge_config.sh fails: {said[0] if said else lib.last_line(log)} "
                                     f"(all of it: {log})")
        lost = re.findall(r"^(?:WARNING: )?Value requested for \w+ not in final .config\n"
                          r"Requested value: *(.*)\nActual value: *(.*)$", lib.read(log), re.M)
        lost = [want for want, have in lost if not (want.startswith("#") and "=" not in have) and want not in optional]
        if lost and strict:
            raise lib.Stop("config", f"Kconfig did not keep: {' '.join(lost)}. A dependency is missing, or the symbol "
                                     f"is unknown to {self.base.name}")
        # An unchanged configuration keeps its time stamp, or all would be checked again.
        if lib.read(config) == old:
            os.utime(config, ns=(times.st_atime_ns, times.st_mtime_ns))

    def make(self, *targets):
        """Build these; the log of make, or an error with what the compiler says."""
        start, log = time.time(), os.path.join(self.out, "build.log")
        about = self.base.get(f"FILES_{self.arch.name}", "?")

        def compiled():
            return len(re.findall(r"^  CC +\S", lib.read(log, ""), re.M))

        if lib.progress(f"build {self.base.name} {self.arch.name}", log,
                        [*self.command, f"-j{os.cpu_count() + 1}", *targets], env=self.environment,
                        how_far=lambda _: f"{compiled()} files compiled of about {about}"):
            text = lib.read(log)
            raise lib.Stop("disk" if "No space left" in text else "build", f"{self.base.name} does not build for "
                           f"{self.arch.name}:\n{first_errors(text)}\nAll of it: {log}")
        lib.say(f"{self.base.name} {self.arch.name}: built in {time.time() - start:.0f} s, {compiled()} files compiled")
        return log

def build(base, arch, src, tests=True, rfc=False):
    """Configure and build a kernel: the path of its image."""
    kernel = Kernel(base, arch, src)
    kernel.configure(fragment(base.name, arch, tests, rfc=rfc))
    kernel.make(os.path.basename(kernel.arch.image))
    return os.path.join(kernel.out, kernel.arch.image)

def first_errors(text):
    lines = text.rstrip("\n").split("\n")
    found = [f"{i + 1}:{line}" for i, line in enumerate(lines)
             if re.search(r"error:|undefined reference|No rule to make|Error [0-9]|No space left", line)]
    return "\n".join(found[:5] or lines[-5:])

def compiler(arch):
    return lib.run([arch.cross + "gcc", "--version"]).stdout.split("\n")[0]
