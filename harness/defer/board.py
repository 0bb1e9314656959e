# SPDX-License-Identifier: GPL-2.0
"""Boards on a model of R-Car (qemu/README.md): the machines of scenarios/board/, kernels for them, and what a boot of
one has to come to."""
import glob
import json
import os
import re
import shlex
import subprocess
import tempfile
from defer import boot, build, judge, lib, model

WHERE = lib.path("scenarios/board")
SELFTEST = lib.path("linux/common", boot.SELFTEST)
IPMMU = "drivers/iommu/ipmmu-vmsa.c"
SGTEST = WHERE + "/sgtest.c"
OPTIONS = "-m 2G -display none -nodefaults -action reboot=shutdown,shutdown=pause -qmp stdio -d guest_errors"
APPEND = "console=ttySC0 ignore_loglevel printk.devkmsg=on panic=-1 oops=panic"
TRACE = "rcar_ipmmu_write"
# The transfers of sgtest.c that an IPMMU must refuse
REFUSED = ("source not mapped", "target not mapped", "target read-only")
REACHED = re.compile(r"^\[ *([\d.]+)\] board: user space", re.M)
USER_SPACE = {"init": [WHERE + "/init.c"], "iommu_defer": sorted(glob.glob(SELFTEST + "/*.[ch]"))}

def machines(base="", rfc=False):
    """Those of scenarios/board/ for Debian's kernel, or for one that is built: they name its device tree."""
    every = [boot.Machine("board", os.path.basename(file)[:-5], file, base) for file in sorted(glob.glob(WHERE + "/*.dtsi"))]
    known = [m for m in every if (m.is_for(base, rfc) and m.values("dts") if base else m.values("dtb"))]
    if base:
        known = [m for m in known if m.words("dts")[0] in lib.wanted_arches(lib.Base(base))]
    board = lib.env("BOARD")
    if board not in ("", "h2", "h3"):
        raise lib.Stop("usage", f"BOARD={board}: want h2 or h3")
    known = [m for m in known if m.values("machine")[0].startswith(f"rcar-{board}")]
    only = lib.env("SCENARIO")
    if only not in ["", *(m.name for m in known)]:
        other = next((" ".join(m.words("bases")) for m in every if m.name == only and m.words("bases")), "")
        raise lib.Stop("usage", f"unknown SCENARIO={only} for boards{base and f' and {base}'}; "
                                f"known: {' '.join(m.name for m in known) or 'none'}"
                                f"{other and f'. {only} is for {other}: say TREE= or BASE='}")
    if not known:
        raise lib.Stop("usage", "no board is for " + " ".join(filter(None, [base, board, *lib.env("ARCH").split()])) +
                       " yet: each names the bases that it was seen on")
    return [m for m in known if only in ("", m.name)]

# ---- what is booted

def archive(files):
    """These files as an initramfs."""
    parts = []
    for path in [*files, None]:
        name, data = "TRAILER!!!", b""
        if path:
            with open(path, "rb") as file:
                name, data = os.path.basename(path), file.read()
        numbers = [0, 0o100755 if path else 0, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        head = ("070701" + "".join(f"{n:08x}" for n in numbers) + name + "\0").encode()
        parts += [part + bytes(-len(part) % 4) for part in (head, data)]
    return b"".join(parts)

def programs(arch, where):
    """The paths of what runs in user space, compiled."""
    for name, files in USER_SPACE.items():
        lib.must("build", f"{name} of the boards does not compile", [
            arch.cross + "gcc", "-Os", "-static", "-o", f"{where}/{name}", *(f for f in files if f.endswith(".c"))])
    return [f"{where}/{name}" for name in USER_SPACE]

def kernel_of(source, arch, kind):
    """Those of another kind than "board" have the lines of harness/kconfig/<kind> as well."""
    kernel = build.Kernel(source.base, arch, source.src, f"o-{arch}-{kind}")
    names = dict.fromkeys(["board", f"board.{arch}", kind])
    extra = [line for name in names for line in lib.lines(lib.path("harness/kconfig", name))]
    kernel.configure("".join(f"{line}\n" for line in [build.fragment(source.name, arch, tests=False), *extra]),
                     strict=False)
    return kernel

def device_trees(kernel, found):
    """Write one for each machine beside the board's own, which it includes: [(target for make, path of what it makes)]"""
    where = f"arch/{kernel.arch.name}/boot/dts"
    for machine in found:
        board = machine.words("dts")[1]
        if not os.path.exists(f"{kernel.src}/{where}/{board}"):
            raise lib.Stop("usage", f"{kernel.base.name} has no {where}/{board}, which {machine.path} names")
        text = re.sub(r'^/include/ "(.*)"', lambda m: lib.read(lib.path("scenarios", m[1])), machine.text, flags=re.M)
        target = os.path.join(os.path.dirname(board), f"defer-{machine.name}")
        lib.write(f"{kernel.src}/{where}/{target}.dts", f'#include "{os.path.basename(board)}"\n{text}')
        yield target + ".dtb", f"{kernel.out}/{where}/{target}.dtb"

def boards_of(source, arch, found, logs, kind="board"):
    """Build a kernel and its device trees for machines of one architecture that want the same patch."""
    lib.write(f"{source.src}/drivers/dma/sgtest.c", lib.read(SGTEST))
    makefile, line = f"{source.src}/drivers/dma/Makefile", "obj-$(CONFIG_DMATEST) += sgtest.o\n"
    lib.write(makefile, lib.read(makefile, "").replace(line, "") + line)
    kernel = kernel_of(source, arch, kind)
    trees = list(device_trees(kernel, found))
    kernel.make(os.path.basename(kernel.arch.image), *(target for target, _ in trees))
    user = f"{logs}/{arch}.cpio"
    with tempfile.TemporaryDirectory() as scratch, open(user, "wb") as out:
        out.write(archive(programs(kernel.arch, scratch)))
    image = os.path.join(kernel.out, kernel.arch.image)
    return [Board(machine, arch, image, user, dtb, f"{logs}/{machine.name}.log") for machine, (_, dtb) in zip(found, trees)]

# ---- boots

def ask(qemu, command, **arguments):
    """What a command of QMP returns; nothing if QEMU has ended, of which its exit status tells."""
    try:
        os.write(qemu.stdin.fileno(), (json.dumps({"execute": command, "arguments": arguments}) + "\n").encode())
    except BrokenPipeError:
        return []
    answers = (json.loads(line) for line in qemu.stdout)
    return next((answer["return"] for answer in answers if "return" in answer), [])

def micro_tlbs(qemu, address):
    """{number: context} of those that are on, of the IPMMU at this address."""
    # The first of four words is IMUCTR; from 32 on they are in the second bank.
    said = [ask(qemu, "human-monitor-command", **{"command-line": f"xp /{words}wx {int(address, 16) + offset:#x}"})
            for offset, words in ((0x300, 128), (0x600, 64))]
    values = [int(value, 16) for value in re.findall(r"^\w+: (0x\w+)", "\n".join(map(str, said)), re.M)]
    return {n: value >> 4 & 0xf for n, value in enumerate(values) if value & 1}

def counters(qemu, ipmmus):
    """The counters of the models as lines, once the guest is off, and the micro-TLBs that are on; none if it never is."""
    if not qemu.stdout.readline():
        return
    ask(qemu, "qmp_capabilities")
    if not any('"SHUTDOWN"' in line for line in qemu.stdout):
        return
    for child in ask(qemu, "qom-list", path="/machine"):
        if child["type"] in ("child<rcar-ipmmu>", "child<rcar-dmac>"):
            path = f"/machine/{child['name']}"
            names = [p["name"] for p in ask(qemu, "qom-list", path=path) if p["name"].startswith("n-")]
            yield f"{child['name']}: " + " ".join(f"{n}={ask(qemu, 'qom-get', path=path, property=n)}" for n in names)
    for address in ipmmus:
        found = " ".join(f"{n}:{context}" for n, context in micro_tlbs(qemu, address).items())
        yield f"micro-TLBs of {address} that are on, and their contexts: {found}"
    ask(qemu, "quit")

def named_ipmmus(dts):
    """{node of the device tree: [(address of an IPMMU, micro-TLB)]}"""
    nodes = [(name, address, body) for name, address, body in re.findall(r"([\w-]+)@(\w+) \{([^{}]*)", dts)]
    phandles = {int(found[1], 0): address for _, address, body in nodes
                if (found := re.search(r"\bphandle = <(\w+)>", body)) and "#iommu-cells" in body}
    named = {}
    for name, address, body in nodes:
        for cells in re.findall(r"\biommus = <([^>]*)>", body):
            words = [int(word, 0) for word in cells.split()]
            named[f"{address}.{name}"] = [(phandles[ph], n) for ph, n in zip(words[::2], words[1::2]) if ph in phandles]
    return named

class Board:
    """One machine of scenarios/board/, and what its boot has to come to."""

    def __init__(self, machine, arch, image, user, dtb, log):
        self.machine, self.arch, self.image, self.user, self.dtb, self.log = machine, arch, image, user, dtb, log
        dts = lib.must("usage", f"dtc can't read {dtb}", ["dtc", "-q", "-I", "dtb", "-O", "dts", dtb])
        # Those that have an IOMMU, and how many channels.
        self.dmacs = {f"{address}.{name}": int(re.search(r"dma-channels = <(\w+)>", node)[1], 0)
                      for name, address, node in re.findall(r"([\w-]+)@(\w+) \{([^{}]*)", dts)
                      if "renesas,rcar-dmac" in node and "iommus = " in node}
        self.named = named_ipmmus(dts)
        self.ipmmus = sorted({address for dmac in self.dmacs for address, _ in self.named.get(dmac, [])})
        self.transfers, self.limit, self.words = lib.env("TRANSFERS", "1000"), lib.env("BOOT_LIMIT", "120"), []
        self.options = OPTIONS
        # What the guest wrote to the registers of IPMMUs, where the options have TRACE
        self.written = []

    def run(self):
        """Boot; why it failed. The log ends in what the models have counted, and what QEMU found wrong."""
        with tempfile.TemporaryDirectory(prefix="iommu-defer-") as scratch:
            command = ["timeout", "--foreground", "-k", "5", self.limit, *model.qemu(),
                       "-M", *shlex.split(self.machine.values("machine")[0]), *self.options.split(),
                       "-serial", f"file:{scratch}/serial", "-D", scratch + "/errors",
                       "-kernel", self.image, "-initrd", self.user, "-dtb", self.dtb,
                       "-append", " ".join([APPEND, lib.env("APPEND"), *self.words, "--", self.transfers, *self.dmacs])]
            lib.show(command)
            lib.write(scratch + "/errors", "")
            with open(scratch + "/said", "wb") as stderr, subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True) as qemu:
                counted = list(counters(qemu, self.ipmmus))
            # A CPU of the device tree that -smp leaves out is no error, nor an access that the IPMMU has refused, and
            # whose page its driver has told: provoked() counts those.
            pages = {f"0x{page:x}" for _, page in self.told(lib.read(scratch + "/serial", ""))}
            refused = re.compile("Requesting unknown CPU" + (
                f"|Invalid (read|write) at addr (?i:{'|'.join(pages)})\\w{{3}}," if pages else ""))
            with open(scratch + "/errors", encoding="utf-8", errors="replace") as file:
                wrong, self.written = [], []
                for line in file:
                    if line.startswith(TRACE):
                        self.written.append(line)
                    elif len(wrong) < 1000 and not refused.search(line):
                        wrong.append(line.strip())
            last, said = (lib.last_line(scratch + name) for name in ("/serial", "/said"))
            lib.write(self.log, lib.read(scratch + "/serial", "") + "".join(
                f"{line}\n" for line in [*counted, *(f"guest error: {line}" for line in wrong)]))
        if qemu.returncode in (124, 137):
            yield f"QEMU timed out after {self.limit} s (BOOT_LIMIT=SECONDS changes it)"
        elif qemu.returncode:
            yield f"QEMU failed with {qemu.returncode}: {said}"
        if "board: end" not in judge.said(self.log):
            yield f"the guest did not come to its end; last line: {last}"

    def faults(self):
        """Why this boot is not a pass."""
        yield from self.run()
        text, limit = judge.said(self.log), lib.env("USER_LIMIT", "20")
        booted, splats = REACHED.search(text), judge.splats(text, self.machine.values("splat"))
        if not booted:
            yield "user space was not reached"
            return
        if float(booted[1]) > float(limit):
            yield f"user space was reached after {booted[1]} s, wanted {limit} (USER_LIMIT=SECONDS changes it)"
        yield from [f"splat: {judge.some(splats)}"] if splats else []
        yield from self.copies(text)
        yield from self.states(text)
        # What comes last says nothing of a guest that didn't come to its end, which is a fault already.
        if "board: end" in text:
            yield from self.turned_on(text)
            yield from self.scattered(text)
            yield from self.selftest(text)
        yield from self.provoked(text)
        yield from boot.unexpected(self.machine, text)
        found = re.findall(r"^guest error: .*", text, re.M)
        yield from [f"{found[0]} ({len(found)} such lines)"] if found else []

    def translated(self):
        return self.machine.words("want")[1] == "translated"

    def turned_on(self, text):
        """Are the micro-TLBs that the DMA controllers name on, for one context of each IPMMU, or off, as "want:" says;
        and no micro-TLB that nobody names?"""
        yield from (f"{dmac}: the device tree has no micro-TLB for it" for dmac in self.dmacs if not self.named[dmac])
        for address in self.ipmmus:
            said = re.search(rf"^micro-TLBs of {address} .*: (.*)$", text, re.M)
            on = dict(map(int, word.split(":")) for word in (said[1] if said else "").split())
            ours = {n for dmac in self.dmacs for ipmmu, n in self.named[dmac] if ipmmu == address}
            every = {n for pairs in self.named.values() for ipmmu, n in pairs if ipmmu == address}
            wrong = {"not on": ours - set(on) if self.translated() else set(),
                     "on, and should not be": set(on) - (every if self.translated() else every - ours)}
            yield from (f"micro-TLBs of {address} {how}: {' '.join(map(str, sorted(which)))}"
                        for how, which in wrong.items() if which)
            contexts = {on[n] for n in ours if n in on}
            if len(contexts) > 1:
                yield f"the DMA controllers behind {address} have contexts {' and '.join(map(str, sorted(contexts)))}"
            if 0 in contexts and self.machine.values("machine")[0].startswith("rcar-h3"):
                yield f"the DMA controllers behind {address} have context 0, which is reserved"

    def scattered(self, text):
        """What sgtest.c says of each DMA controller. A transfer that must fail does so at the page that it should."""
        where = "beyond" if self.arch == "arm64" else "below"
        wanted = {"scattered": rf"[1-9]\d* transfers, 0 failures, {where} 4 GiB"}
        if self.translated():
            wanted |= dict.fromkeys(REFUSED, r"as wanted, at (0x\w+)") | {"after faults": "0 failures"}
        for name in self.dmacs:
            for what, want in wanted.items():
                said = re.search(rf"sgtest: {name}: {what}: (.*)$", text, re.M)
                match = said and re.fullmatch(want, said[1])
                if not match:
                    yield f"{name}: {what}: {said[1] if said else 'nothing is said'}"
                elif match.groups() and int(match[1], 16) >> 12 not in [page for _, page in self.told(text)]:
                    yield f"{name}: {what}: no fault is told at {match[1]}"

    def told(self, text):
        """[(address of the IPMMU, page)] of the faults that the driver has told"""
        return [(address, int(iova, 16) >> 12) for address, iova in
                re.findall(r"ipmmu-vmsa (\w+)\.\w+: Unhandled fault: .*iova (0x\w+)\b", text)]

    def provoked(self, text):
        """A fault for each transfer that sgtest.c has fail, told by the IPMMU to its driver and by the bus to the DMA
        controller, and no other."""
        wanted = len(REFUSED) * len(self.dmacs) if self.translated() else 0
        told = {"faults that the IPMMUs have counted": sum(map(int, re.findall(r"\bn-fault=(\d+)", text))),
                "errors that the DMA controllers have counted": sum(map(int, re.findall(r"\bn-errors=(\d+)", text)))}
        yield from (f"{number} {what}, wanted {wanted}" for what, number in told.items() if number != wanted)
        for address in self.ipmmus:
            behind = [dmac for dmac in self.dmacs if address in dict(self.named[dmac])]
            want = len(REFUSED) * len(behind) if self.translated() else 0
            number = [ipmmu for ipmmu, _ in self.told(text)].count(address)
            if number != want:
                yield f"{number} faults that the driver has told of {address}, wanted {want}"

    def selftest(self, text):
        """Does the selftest for boards say of each DMA controller that it is as it must be? Whether a driver has refused
        a device (C7) it can't know: it skips that, and has nothing to say of a board on which all are refused."""
        told = re.findall(r"selftest: ((?:not )?ok) \d+ (\S+)(.*)$", text, re.M)
        refused = "C7" in self.machine.words("rule") and not self.translated()
        wanted = " # SKIP unknown: untranslated; the IOMMU driver may have rejected it" if refused else ""
        yield from (f"selftest: not ok {name}" for ok, name, _ in told if ok != "ok")
        for name in self.dmacs:
            if not any(dmac == name and said.startswith(wanted) and bool(said) == refused for _, dmac, said in told):
                yield f"selftest: {name} is not \"ok{wanted}\""
        code = 4 if refused else 0
        if f"board: selftest came to {code}\n" not in text:
            yield f"selftest: it did not come to {code}"

    def states(self, text):
        """Is each DMA controller what the machine's "want:" says, before the driver of the IPMMU comes and after it?"""
        before, after = self.machine.words("want")
        for step, want in (("before", before), ("after", after), ("unbound", "unbound"), ("rebound", after)):
            found = re.findall(rf"board: {step} (\S+) domain=(\S+) channels=(\d+)$", text, re.M)
            missing = [dmac for dmac in self.dmacs if dmac not in [name for name, *_ in found]]
            if missing:
                yield f"{step}: nothing is said of {' '.join(missing)}"
            for name, domain, channels in found:
                # The driver leaves a channel out behind an IPMMU. v4.12 doesn't say what domain a group has.
                every = self.dmacs.get(name, 0)
                translated = domain.startswith("DMA") or (domain, int(channels)) == ("-", every - 1)
                state = "unbound" if channels == "0" else "translated" if translated else "untranslated"
                if (state, int(channels)) != (want, {"unbound": 0, "translated": every - 1, "untranslated": every}[want]):
                    yield f"{step}: {name} is {state} (domain {domain}, {channels} channels), wanted {want}"

    def copies(self, text):
        """Has each channel made all its transfers, without a failure?"""
        for test, part in enumerate(text.partition("board: unbound ")[::2], 1):
            told, bad = re.findall(rf"board: test {test} (\S+) (\S+)$", part, re.M), []
            for name, channel in told:
                found = re.search(rf"dmatest: {channel}-copy0?: summary (\d+ tests, \d+ failures)", part)
                if not found or found[1] != f"{self.transfers} tests, 0 failures":
                    bad.append(f"{channel} of {name}: {found[1] if found else 'hangs'}")
            if len(told) < 2 * len(self.dmacs):
                yield f"test {test}: only {len(told)} channels of {2 * len(self.dmacs)} were started"
            if bad:
                yield f"test {test}: {len(bad)} channels of {len(told)} are bad: {', '.join(bad[:3])}"

    def masters(self):
        """{device that has an IOMMU: its driver, or "none"}"""
        return dict(re.findall(r"board: master (\S+) driver (\S+)$", judge.said(self.log), re.M))

    def summary(self):
        """What came of it, for the table."""
        text = judge.said(self.log)
        rates = list(map(float, re.findall(r": summary .* ([\d.]+) iops", text)))
        copied, walks = (sum(map(int, re.findall(p, text))) for p in (r": summary (\d+) tests", r" n-walk=(\d+)"))
        return (f"{len(self.dmacs)} DMA controllers {self.machine.words('want')[1]}, {copied:,} transfers, "
                f"{sum(rates) / max(1, len(rates)):.0f} per s on each channel, "
                f"{walks:,} walks, user space after {float(REACHED.search(text)[1]):.1f} s")
