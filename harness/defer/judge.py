# SPDX-License-Identifier: GPL-2.0
"""What a boot log says: results, whether it is a clean pass, and the decision tables."""
import io
import os
import re
import sys
import threading
from defer import lib

# How a boot may end; what follows (the trace of the panic) is not judged. A kernel without block
# devices has no root file system to miss, only an init.
LEGAL_END = re.compile(r"Kernel panic - not syncing: VFS: Unable to mount root fs|"
                       r"Kernel panic - not syncing: No working init found|"
                       r"reboot: (System halted|Power down|Restarting system)")
DIED = re.compile(r"Internal error|Oops|Unable to handle kernel|kernel BUG at|Kernel panic")
STATUS = {"SUCCESS": "PASS", "SKIPPED": "SKIP", "TEST_CRASHED": "ERROR"}
TARBALL = lib.env("KUNIT_TARBALL", "/usr/src/linux-source-6.12.tar.xz")
parsing = threading.Lock()

def kunit_tools():
    """A directory with kunit.py and the patch checkers of the newest kernel that Debian 12 packages.
    They judge every base. Unpacked once."""
    if lib.env("KUNIT_TOOLS"):
        return lib.env("KUNIT_TOOLS")
    if not os.path.exists(TARBALL):
        lib.deps("tools612")
    lib.make_cache()
    stat = os.stat(TARBALL)
    where = os.path.join(lib.CACHE, f"tools-{stat.st_size}-{int(stat.st_mtime)}")
    if not os.path.exists(os.path.join(where, "done")):
        os.makedirs(where, exist_ok=True)
        names = [f"*/{name}" for name in ("tools/testing/kunit", "scripts/checkpatch.pl", "scripts/spelling.txt",
                                          "scripts/const_structs.checkpatch")]
        if lib.progress("unpack the tools", where + "/log", [
                "tar", "-xJf", TARBALL, "-C", where, "--strip-components=1", "--no-same-owner", "--wildcards", *names]):
            raise lib.Stop("disk", f"cannot unpack {TARBALL}: {lib.last_line(where + '/log')}")
        lib.write(where + "/done", "")
    return where

def text_of(log):
    """The log up to its legal end, if it has one."""
    text = said(log)
    end = LEGAL_END.search(text)
    return text if not end else text[:(text.find("\n", end.end()) + 1) or None]

def said(log):
    """All that a boot said."""
    return lib.read(log, "").replace("\r", "")

class Ktap:
    """What kunit.py's parser makes of a log."""

    def __init__(self, text):
        sys.path.append(os.path.join(kunit_tools(), "tools/testing/kunit"))
        import kunit_parser  # pylint: disable=import-error,import-outside-toplevel
        output = io.StringIO()
        with parsing:
            kunit_parser.stdout = kunit_parser.stdout.__class__(output)
            test = kunit_parser.parse_run_tests(quiet_headers(text).split("\n"))
        self.ok, self.errors = test.status.name == "SUCCESS", test.counts.errors
        lines = [re.sub(r"^\[[\d:]*\] ", "", line) for line in output.getvalue().split("\n")]
        self.error_lines = [line for line in lines if "ERROR" in line]
        self.summary = ([line for line in lines if "Testing complete" in line or "ERROR" in line] or [""])[-1]
        # (status, "suite.test[.parameter]"), in the order of the log; tests that never came have no name.
        self.results = [result for suite in test.subtests for result in results_of(suite, suite.name)]
        # A boot that died in the middle of a suite has no result line of it.
        done = set(re.findall(r"^(?:\[[ \d.]*\] )?(?:not )?ok \d+ (?:- )?(\S+)", text, re.M))
        self.suites = [suite.name for suite in test.subtests if suite.name in done]

def results_of(test, name):
    for sub in test.subtests:
        if sub.subtests:
            yield from results_of(sub, f"{name}.{sub.name}")
        elif sub.name:
            yield STATUS.get(sub.status.name, "FAIL"), f"{name}.{sub.name}"

def quiet_headers(text):
    """kunit.py takes the line after a header for its first, and loses the name of the subtest if
    another thread has said something in between. That goes ahead of the header."""
    out, held = [], None
    for line in text.split("\n"):
        if held is not None and re.search(r"# Subtest: |1\.\.\d", line):
            out.append(held)
            held = None
        if line.endswith("KTAP version 1"):
            if held is not None:
                out.append(held)
            held = line
        else:
            out.append(line)
    return "\n".join(out + ([held] if held is not None else []))

def some(items):
    """At most five of a list, in one line."""
    return "; ".join(list(items)[:5])

def splats(text, allowed):
    wanted = re.compile("|".join(lib.lines(os.path.join(lib.HARNESS, "splats"))))
    legal = [LEGAL_END, *filter(None, allowed)]
    return [f"{i + 1}:{line}" for i, line in enumerate(text.split("\n"))
            if wanted.search(line) and not any(re.search(a, line) for a in legal)]

def unclean(text, allowed=()):
    """Why a boot is not clean, whatever its tests say."""
    if not text:
        return ["the log is empty"]
    faults, found = [], splats(text, allowed)
    if not re.search(r"^(\[[ \d.]*\]( \[.*\])? )?1\.\.\d+$", text, re.M):
        faults.append("no top-level plan 1..N")
    if found:
        faults.append(f"splat: {some(found)}")
    if not ended(text):
        faults.append(f"the boot did not come to its end: no {LEGAL_END.pattern.split('|')[0]}")
    return faults

def ended(text):
    return LEGAL_END.search(text.rstrip("\n").split("\n")[-1])

def judge(log, expected, allowed=(), suite=None):
    """(faults, Ktap): is this boot a clean pass? With a suite, only its names are expected; when they
    are None any name will do (their number is still that of the plan, kunit.py sees to that)."""
    text = text_of(log)
    if not text:
        return ["the log is empty"], None
    ktap, faults = Ktap(text), []
    if not ktap.ok:
        faults.append(f"kunit.py parse exits with 1: {ktap.summary}")
    if ktap.errors:
        faults.append(f"kunit.py finds errors in the KTAP: {some(ktap.error_lines)}")
    bad = re.findall(r"^(?:\[[ \d.]*\] )? *(not ok \d.*)", text, re.M)
    if bad:
        faults.append(some(bad))
    names = [name for _, name in ktap.results]
    wanted = set(names if expected is None else (n for n in expected if n.startswith(f"{suite}." if suite else "")))
    for label, found in (("twice", {n for n in names if names.count(n) > 1}),
                         ("missing", wanted - set(names)), ("not expected", set(names) - wanted)):
        if found and wanted:
            faults.append(f"{label}: {some(sorted(found))}")
    if not wanted:
        faults.append("nothing is expected: no results/ name what should be there (make flips records them)")
    return faults + unclean(text, allowed), ktap

def count(ktap):
    """(passed, failed, skipped)"""
    kinds = [status for status, _ in ktap.results] if ktap else []
    return kinds.count("PASS"), kinds.count("FAIL") + kinds.count("ERROR"), kinds.count("SKIP")

DECISION = re.compile(r"# ([^:]*): given: (.*?) *\| wanted: (.*?) *\| got: (.*?) *$", re.M)

def table(log, title):
    """The decision table, from the lines "# test: given: ... | wanted: ... | got: ..."."""
    rows = DECISION.findall(said(log))
    if not rows:
        return f"\n{title}\n  no decision was printed"
    wide = [max(map(len, column)) for column in zip(("", "given", "wanted", "got"), *rows)]
    out, last = [f"\n{title}", f"  {'given':{wide[1]}}  {'wanted':{wide[2]}}  got"], None
    for test, given, wanted, got in rows:
        out += [f" {test}"] if test != last else []
        mark = f"{'':{wide[3] - len(got)}}   <- not as wanted" if wanted != got else ""
        out.append(f"  {given:{wide[1]}}  {wanted:{wide[2]}}  {got}{mark}")
        last = test
    bad = sum(wanted != got for _, _, wanted, got in rows)
    return "\n".join(out + [f"  {len(rows)} decisions, {bad} not as wanted"])

def last_time(log):
    """Guest time of the last test result."""
    times = re.findall(r"^\[ *([\d.]*)\].* (?:ok|not ok) \d", lib.read(log, ""), re.M)
    return times[-1] if times else "-"
