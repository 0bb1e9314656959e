# SPDX-License-Identifier: GPL-2.0
"""Boots under QEMU: all KUnit suites, or a machine of scenarios/<arch>/<name>.dtsi."""
import concurrent.futures
import functools
import glob
import os
import re
import shlex
import shutil
import tempfile
import time
from defer import build, judge, lib

SCENARIOS = lib.path("scenarios")
SELFTEST = "tools/testing/selftests/iommu_defer"
# Every line "// key: value" at the head of a scenario has one of these keys.
KEYS = "about rule bases group machine qemu append user must mustnot splat iort asl dtb dts patch want".split()

class Machine:
    """A device tree fragment, and what its header lines say. Those of /include/ files count, too. A line
    "// key[base]: value" is for that base only; it takes the place of a line "// key:" right above it."""

    def __init__(self, arch, name, path=None, base=""):
        self.name = name
        self.path = path or os.path.join(SCENARIOS, arch, name + ".dtsi")
        self.text = self.whole = lib.read(self.path)
        for file in re.findall(r'^/include/ "(.*)"', self.text, re.M):
            found = [path for path in (f"{SCENARIOS}/{arch}/{file}", f"{SCENARIOS}/{file}") if os.path.exists(path)]
            if not found:
                raise lib.Stop("usage", f"scenarios/{arch}/{name}.dtsi includes {file}, which isn't there")
            self.whole += "\n" + lib.read(found[0])
        # What is for other bases only is no part of it, and changes no result of theirs.
        own = re.escape(f"[{base}]") if base else r"\[.*\]"
        self.whole = re.sub(rf"^// [a-z]+(?!{own})\[.*\n", "", self.whole, flags=re.M)
        self.lines = []
        for key, only, value in re.findall(r"^// ([a-z]+)(\[.*?\])?: *(.*?) *$", self.whole, re.M):
            if base and only and self.lines and self.lines[-1][:2] == (key, ""):
                self.lines.pop()
            self.lines.append((key, only, value))

    def values(self, key):
        return [value for k, _, value in self.lines if k == key]

    def words(self, key):
        return " ".join(self.values(key)).split()

    @property
    def user(self):
        return "".join(self.values("user")[-1:])

    def is_for(self, base, rfc):
        """A machine with a group: is for kernels that have this group, which is one for discussion."""
        return base in (self.words("bases") or [base]) and (rfc or not self.values("group"))

def machines(base, arch, rfc, only=""):
    files = sorted(glob.glob(os.path.join(SCENARIOS, arch, "*.dtsi")))
    found = [m for m in (Machine(arch, os.path.basename(f)[:-5], base=base) for f in files) if m.is_for(base, rfc)]
    if only and only not in [m.name for m in found]:
        raise lib.Stop("usage", f"unknown scenario '{only}' for {base} {arch}; "
                                f"known: {' '.join(m.name for m in found)}")
    return [m for m in found if only in ("", m.name)]

def programs(machine, user, selftest):
    """{name: sources} of user space."""
    found = {}
    if machine and "@DISK@" in machine.whole:
        found["disk"] = [os.path.join(SCENARIOS, "init.c")]
    if user:
        found["init"] = [os.path.join(SCENARIOS, "user.c")]
    if "selftest" in user:
        found["selftest"] = sorted(selftest)
    return found

@functools.lru_cache(maxsize=None)
def qemu_version(arch):
    return re.sub(r"^.*version (\S+).*$", r"\1", lib.run([lib.Arch(arch).qemu, "--version"]).stdout.split("\n")[0])

class Boot:
    """One boot: of an image, with a machine or without one, and what is needed for it."""
    # What looks like a splat, and is none here.
    allowed = ()

    def __init__(self, base, arch_name, image, src, machine=None, glob_=None, user=""):
        self.base, self.arch, self.image, self.src, self.machine = base, base.arch(arch_name), image, src, machine
        # Where the host is busy, a suite runs for half a minute without a rest: no stall, as RCU has it after 21 s.
        words = [f"console={self.arch.console}", "ignore_loglevel", "panic=-1", "oops=panic",
                 "rcupdate.rcu_cpu_stall_timeout=60"]
        if machine or glob_:
            words.append(f"kunit.filter_glob={glob_ or 'iommu_defer_boot'}")
        words += machine.words("append") if machine else []
        # What it goes on with in user space.
        self.user = (machine.user if machine else "") or user
        self.words = words + lib.env("APPEND").split() + (["--", self.user] if self.user else [])
        self.label = f"{arch_name} {machine.name if machine else glob_ or 'KUnit'}"
        # A part of the suites takes seconds, and there are many when a kernel hangs.
        self.limit = int(lib.env("BOOT_LIMIT", "60" if glob_ else "300" if self.user else "120"))

    def programs(self):
        return programs(self.machine, self.user, glob.glob(os.path.join(self.src, SELFTEST, "*.[ch]")) +
                        glob.glob(os.path.join(self.src, SELFTEST, "../kselftest.h")))

    def key(self):
        """A hash of all that decides what this boot says."""
        sources = [("file", file) for files in self.programs().values() for file in files]
        return lib.digest(("file", self.image), self.machine.name + self.machine.whole if self.machine else "",
                          *self.words, qemu_version(self.arch.name), build.compiler(self.arch) if sources else "",
                          self.arch.machine, self.arch.cpu, self.arch.cpus, *sources)

    def compile(self, out, name, *flags):
        command = [self.arch.cross + "gcc", "-Os", "-static", *flags, "-o", out,
                   *(f for f in self.programs()[name] if f.endswith(".c")), *(["-lgcc"] if flags else [])]
        lib.show(command)
        lib.must("build", f"{name} of {self.label} does not compile", command)

    def disk(self, scratch):
        """A file system with one program, /init, and the pattern that it knows."""
        root, disk = os.path.join(scratch, "root"), os.path.join(scratch, "disk")
        os.makedirs(os.path.join(root, "dev"))
        with open(os.path.join(root, "data"), "wb") as file:
            file.write(bytes((i * 7 + (i >> 8)) & 255 for i in range(1 << 20)))
        self.compile(root + "/init", "disk", "-nostdlib", "-ffreestanding", "-fno-stack-protector")
        lib.must("disk", f"mke2fs could not make the disk of {self.label}",
                 ["mke2fs", "-q", "-t", "ext2", "-d", root, disk, "4M"])
        return disk

    def initramfs(self, scratch):
        """scenarios/user.c, and the selftest beside it."""
        names = [name for name in self.programs() if name != "disk"]
        for name in names:
            self.compile(os.path.join(scratch, name), name)
        lib.write(scratch + "/list", "".join(f"file /{name} {scratch}/{name} 0755 0 0\n" for name in names))
        pack = os.path.join(self.image[:-len(self.arch.image)], "usr/gen_init_cpio")
        if not os.path.exists(pack):
            raise lib.Stop("usage", f"no {pack}: the kernel has to be built with CONFIG_BLK_DEV_INITRD")
        with open(scratch + "/initramfs", "wb") as file:
            lib.must("build", "gen_init_cpio fails", [pack, scratch + "/list"], stdout=file)
        return scratch + "/initramfs"

    def dtb(self, scratch, qemu, machine, extra):
        """QEMU's own device tree and the fragment. Compiled anew, or it is too large to boot."""
        raw, dts, dtb = (os.path.join(scratch, name) for name in ("qemu.dtb", "boot.dts", "boot.dtb"))
        done = lib.run([*qemu, "-M", f"{machine},dumpdtb={raw}", *extra])
        if not os.path.exists(raw):
            raise lib.Stop("boot", f"QEMU gives no device tree: {done.stderr.split(chr(10))[0]}")
        own = lib.run(["dtc", "-q", "-I", "dtb", "-O", "dts", raw]).stdout
        name = f'/ {{ chosen {{ iommu-defer,scenario = "{self.machine.name}"; }}; }};'
        lib.write(dts, f"{own}{self.machine.text}\n{name}\n")
        lib.must("usage", f"dtc refuses {self.machine.path}", [
            "dtc", "-q", "-I", "dts", "-O", "dtb", "-i", os.path.join(SCENARIOS, self.arch.name), "-i", SCENARIOS,
            "-o", dtb, dts])
        return dtb

    def command(self, scratch):
        arch, machine, extra = self.arch, self.arch.machine, []
        # Machines are booted side by side, and each is the same every time.
        qemu = [arch.qemu, "-cpu", arch.cpu, "-m", "256M", "-smp", "1" if self.machine else arch.cpus, "-nographic",
                "-no-reboot", "-nodefaults", "-serial", "stdio"]
        if self.machine:
            machine = (self.machine.values("machine") or [machine])[0]
            text = " ".join(self.machine.values("qemu")).replace("@DIR@", shlex.quote(SCENARIOS))
            if "@DISK@" in text:
                text = text.replace("@DISK@", shlex.quote(self.disk(scratch)))
            extra = shlex.split(text)
            dtb = self.dtb(scratch, qemu, machine, extra)
            extra += ["-dtb", dtb]
        if self.user:
            extra += ["-initrd", self.initramfs(scratch)]
        return ["timeout", "--foreground", "-k", "5", str(self.limit), *qemu, "-M", machine, *extra,
                "-kernel", self.image, "-append", " ".join(self.words)]

    def run(self, log):
        """Boot, and keep all that the kernel says. What QEMU itself does wrong is an error."""
        lib.write(log, "")
        start = time.time()
        with tempfile.TemporaryDirectory(prefix="iommu-defer-") as scratch:
            command = self.command(scratch)
            lib.show(command)
            with open(log, "wb") as out:
                done = lib.run(command, stdout=out)
        if done.returncode in (124, 137):
            raise lib.Stop("timeout", f"{self.label}: QEMU timed out after {self.limit} s (BOOT_LIMIT=SECONDS changes "
                                      f"it); last line: {lib.last_line(log)}; log: {log}")
        if done.returncode:
            raise lib.Stop("boot", f"{self.label}: QEMU failed with {done.returncode}: "
                                   f"{done.stderr.split(chr(10))[0]}; log: {log}")
        lib.say(f"{self.label}: {time.time() - start:.0f} s, last result at {judge.last_time(log)} s of guest time; "
                f"log: {log}")

    def require_ktap(self, log):
        text = judge.said(log)
        if not text:
            raise lib.Stop("boot", f"the kernel said nothing at all: no serial console, or it died before it; "
                                   f"log: {log}")
        if "KTAP version 1" not in text:
            died = [line for line in text.split("\n") if judge.DIED.search(line)] or [lib.last_line(log)]
            raise lib.Stop("boot", f"no KTAP in the log: {died[0]}; log: {log}")

    def cached(self, log):
        """As run(), but a boot of the same bytes that came to its end is not repeated."""
        store = os.path.join(lib.CACHE, "boots", self.key() + ".log")
        if os.path.exists(store):
            os.makedirs(os.path.dirname(log), exist_ok=True)
            shutil.copyfile(store, log)
            return
        self.run(log)
        lib.write(store, lib.read(log))

class WatchedBoot(Boot):
    """In a kernel with kmemleak, which looks for what is lost when user space asks: where there is none, by one that
    rebinds nothing. A cache grows here that does not elsewhere: kmemleak has an object for each, and KASAN keeps for a
    while what is freed, of any cache; then kmemleak alone tells what is lost."""
    growing = r"kmemleak_\w+"

    def __init__(self, base, arch_name, image, src, machine=None, glob_=None):
        has_own = machine and "@DISK@" in machine.whole
        super().__init__(base, arch_name, image, src, machine, glob_, "" if has_own else "rebind 0")

    def run(self, log):
        super().run(log)
        lib.write(log, re.sub(rf"^rebind: {self.growing} \+\d+ objects\s*\n", "", lib.read(log), flags=re.M))

def in_parallel(function, *items):
    """One more than there are processors: a guest waits now and then."""
    with concurrent.futures.ThreadPoolExecutor(int(lib.env("JOBS", str(os.cpu_count() + 1)))) as pool:
        return list(pool.map(function, *items))

def overlooked(machine, text):
    """What a fragment asks to be judged, and wasn't: a test that finds nothing to do skips."""
    wanted, judged = machine.whole.count("iommu-defer,want = "), len(re.findall(r" given: .* \| wanted: ", text))
    if judged < wanted:
        yield f"{wanted} masters in the fragment, {judged} judged"
    for flag, test in (("stays", "iommus_stay"), ("one-domain", "masters_share_domain"),
                       ("no-iommu", "platform_bus_is_free"), ("registers", "iommu_registers")):
        if re.search(rf"iommu-defer,{flag}\b", machine.whole) and re.search(rf" ok \d* {test} # SKIP", text):
            yield f"{test} found nothing to judge"

def unexpected(machine, text):
    """What a boot must say and doesn't, and what it must not."""
    yield from (f"no line matches: {r}" for r in machine.values("must") if not re.search(r, text, re.M))
    found = ((re.search(rf"^.*(?:{r}).*$", text, re.M), r) for r in machine.values("mustnot"))
    yield from (f"{line[0]} (must not match: {r})" for line, r in found if line)

def faults_of(boot, log, expected, cached=False):
    """Why the boot of a machine is not a pass: empty if it is."""
    machine, faults = boot.machine, []
    try:
        (boot.cached if cached else boot.run)(log)
        boot.require_ktap(log)
    except lib.Stop as stop:
        faults.append(str(stop))
    text = judge.said(log)
    if not text:
        return faults
    allowed = [*machine.values("splat"), *boot.allowed]
    faults += judge.judge(log, expected, allowed, suite="iommu_defer_boot")[0]
    return [*faults, *overlooked(machine, text), *unexpected(machine, text)]
