# SPDX-License-Identifier: GPL-2.0
"""One suite, in a kernel that has it and what it needs beside the usual configuration, and the record of
what it says in results/<program>.<base>."""
import os
import re
from defer import boot, build, judge, lib, patches

def symbols(*programs):
    """What kernels for these programs have beside the usual, as lines of a .config."""
    return [line for name in programs for line in lib.lines(lib.path("harness/kconfig", name))]

def boots_of(source, arch, name, symbols=(), words=(), minutes=20.0, out="", machines=(None,), optional=(),
             kind=boot.Boot, image=""):
    """Boots of one suite, in a kernel that is built with these lines of a .config: without a machine, or, of the suites
    that are about machines, on these. An image is one that has been built already."""
    if not image:
        kernel = build.Kernel(source.base, arch, source.src, out)
        kernel.configure(build.fragment(source.name, arch) + "".join(f"{line}\n" for line in symbols), optional=optional)
        kernel.make(os.path.basename(kernel.arch.image))
        image = os.path.join(kernel.out, kernel.arch.image)
    for machine in machines:
        one = kind(source.base, arch, image, source.src, machine, "iommu_defer_boot*" if machine else name)
        # What follows "--" is for user space.
        one.words[:0] = words
        if machine:
            one.label += f" {name}"
        else:
            one.limit = int(minutes * 60)
        yield one

def run(source, arch, name, symbols=(), words=(), minutes=20.0, splats=()):
    """(what the kernel said, why it isn't a pass). Symbols are lines of a .config."""
    log = os.path.join(source.work, f"{name.replace('*', '')}-{arch}.log")
    next(boots_of(source, arch, name, symbols, words, minutes)).run(log)
    faults, _ = judge.judge(log, None, splats)
    return judge.said(log), faults

# The suite of make faults. Before v6.10 there are no probes without modules, and with modules the end of init is a
# matter of time. What the core says when a device can't be added for lack of memory is no splat, nor that a driver fails
# the first attach of a group (6.12 and later): it may not, but it has no memory.
FAULTS, FAULTS_WORDS = "iommu_defer_faults", ("deferred_probe_timeout=0",)
FAULTS_SPLATS = (r"WARNING: .*\bkobject_add_internal\+", r"WARNING: .*\bsysfs_warn_dup\+",
                 r"sysfs: cannot create duplicate filename '/bus/platform/devices/",
                 r"WARNING: .*\biommu_setup_default_domain\+")
# Machines that are left out: with modules an IOMMU and its masters go on without what has no driver at the same time; and
# in 6.12 nobody can ask for a domain of one driver if the bus has two, and a disk that is bound anew gets another name.
WITHOUT = {"": ("smmuv3-async-disk-late",),
           "linux-6.12": ("smmu-two-drivers", "smmuv3-bridge-covered", "smmuv3-replug")}
# Nor is it new what the core says each time when a master of an IPMMU goes: D29.
IPMMU_SPLATS = r"WARNING: .*\b__iommu_group_free_device\b"
HAVE_IPMMU_SPLATS = (("linux-6.12", "arm"), ("linux-7.3", "arm"))

def boots_of_faults(source, arch, image=""):
    """That of make faults without a machine, and, by a suite beside the machine's own, those of machines with masters
    that are translated; but for the one with a driver that can't be bound twice. With kmemleak, for what is lost."""
    without = WITHOUT[""] + WITHOUT.get(source.name, ())
    machines = [m for m in boot.machines(source.name, arch, False)
                if 'want = "translated"' in m.whole and "selftest" not in m.user and m.name not in without]
    for one in boots_of(source, arch, FAULTS, symbols("faults"), FAULTS_WORDS, out=f"o-{arch}-faults",
                        machines=[None, *machines], optional=symbols("kmemleak"), kind=boot.WatchedBoot, image=image):
        one.allowed, one.growing = FAULTS_SPLATS, r"\S+"
        if (source.name, arch) in HAVE_IPMMU_SPLATS and one.machine and one.machine.name.startswith("ipmmu"):
            one.allowed += (IPMMU_SPLATS,)
        yield one

# The suites that some programs are about, and what all suites stand on; a record of other programs stands for the fixes.
SUITES = {"explore": "explore", "races": "explore", "kcsan": "explore", "faults": "faults"}
SHARED = ("common/lib/iommu_defer_fixture.c", "common/lib/iommu_defer_fake.c", "{}/lib/iommu_defer_fake_core.c")
# What else decides what is in a record: groups for discussion, and programs
PROGRAMS = {"ipmmu": ("tools/ipmmu", "scenarios/board/sgtest.c", "harness/kconfig/ipmmu", "qemu/rcar_ipmmu.c")}
GROUPS = {"ipmmu": ("3-rfc-gen3",)}

def stamp(base, program):
    """The first line of a record, by which it is known to be of the fixes as they are."""
    files = [f"common/lib/iommu_defer_{SUITES[program]}_kunit.c", *SHARED] if program in SUITES else []
    texts = [lib.read(lib.path("linux", file.format(base)), "") for file in files] or [""]
    texts += [part for e in patches.series(base) for path, part in patches.by_file(e.hunks).items()
              if path == f"lib/iommu_defer_{program}.h"]
    texts += [lib.read(lib.path(file), "") for file in PROGRAMS.get(program, ())]
    entries = [e for e in patches.series(base) if e.group in ("1-fixes", *GROUPS.get(program, ()))]
    return f"# fixes: {lib.digest(patches.code_of(entries), *texts)}\n"

def record(source, program, what, lines):
    """Write what was found for these architectures; "what" says what the columns are, and lines "# differs" by hand
    stay. SAMPLE=1 is a run of less."""
    if lib.env("SAMPLE"):
        return
    file = lib.path("results", f"{program}.{source.name}")
    head = stamp(source.name, program)
    same = lib.read(file, "").startswith(head)
    kept = [line for line in lib.lines(file) if same and line.split()[0] not in source.arches]
    by_hand = re.findall(r"^# differs .*\n", lib.read(file, ""), re.M)
    lib.write(file, f"{head}# {what}\n" + "".join([*(f"{line}\n" for line in sorted(kept + lines)), *by_hand]))

def old(base):
    """Records of these programs that are not of the fixes as they are."""
    programs = "acpi board cost coverage explore faults ipmmu kcsan races sanitize".split()
    files = {f"results/{program}.{base}": stamp(base, program) for program in programs}
    return [file for file, head in files.items() if not lib.read(lib.path(file), head).startswith(head)]
