# SPDX-License-Identifier: GPL-2.0
"""One suite, in a kernel that has it and what it needs beside the usual configuration, and the record of
what it says in results/<program>.<base>."""
import os
from defer import boot, build, judge, lib, patches

def run(source, arch, name, symbols=(), words=(), minutes=20.0, splats=()):
    """(what the kernel said, why it isn't a pass). Symbols are lines of a .config."""
    kernel = build.Kernel(source.base, arch, source.src)
    kernel.configure(build.fragment(source.name, arch) + "".join(f"{line}\n" for line in symbols))
    kernel.make(os.path.basename(kernel.arch.image))
    one = boot.Boot(source.base, arch, os.path.join(kernel.out, kernel.arch.image), source.src, glob_=name)
    one.words += words
    one.limit = int(minutes * 60)
    log = os.path.join(source.work, f"{name}-{arch}.log")
    one.run(log)
    faults, _ = judge.judge(log, None, splats)
    return judge.said(log), faults

def stamp(base):
    return f"# series: {patches.series_hash(base)}\n"

def record(source, program, what, lines):
    """Write what was found for these architectures; "what" says what the columns are. SAMPLE=1 is a run of less."""
    if lib.env("SAMPLE"):
        return
    file = lib.path("results", f"{program}.{source.name}")
    same_series = lib.read(file, "").startswith(stamp(source.name))
    kept = [line for line in lib.lines(file) if same_series and line.split()[0] not in source.arches]
    lib.write(file, f"{stamp(source.name)}# {what}\n" + "".join(f"{line}\n" for line in sorted(kept + lines)))

def old(base):
    """Records of these programs that are not of the series as it is."""
    programs = "acpi board cost coverage explore faults kcsan races sanitize".split()
    files = (f"results/{program}.{base}" for program in programs)
    return [file for file in files if lib.read(lib.path(file), stamp(base))[:len(stamp(base))] != stamp(base)]
