# SPDX-License-Identifier: GPL-2.0
"""The table of docs/contract.md: what the programs beside the suites have come to, from their records in results/."""
import re
from defer import lib, suite

def total(pattern, text):
    return sum(map(int, re.findall(pattern, text, re.M)))

def sequences(text):
    rows = [list(map(int, row)) for row in re.findall(r"^\w+ (\d) \w+ (\d+) \d+ (\d+) \d+$", text, re.M)]
    depths = [str(max(depth for count, _, depth in rows if count == one)) for one in sorted({row[0] for row in rows})]
    return f"{sum(row[1] for row in rows):,}, of at most {' and '.join(depths)} events"

def machines(text):
    found = re.findall(r": (\w+), passes$", text, re.M)
    return f"{len(found)} pass, {found.count('fails')} fail without the fixes"

def boots(text):
    clean, every = total(r": (\d+) boots of", text), total(r" boots of (\d+) clean", text)
    return f"{clean} of {every} clean"

def mutants(text):
    lines = re.findall(r"^(\w+) \w+ .* \| (killed|survives|unreached)", text, re.M)
    equivalent = re.findall(r"^# equivalent (\w+)", text, re.M)
    killed = {key for key, verdict in lines if verdict == "killed"}
    left = {key for key, _ in lines} - killed
    return f"{len(killed)} of {len(left | killed)} noticed" + (
        f", {len(left & set(equivalent))} can't be" if left & set(equivalent) else "")

def lines_seen(text):
    return "{} of {}".format(*re.search(r"^# (\d+) lines of (\d+);", text, re.M).groups())

def page(text):
    return "{} and {}".format(*(re.search(rf"page tables, {what}: (\d+)", text)[1] for what in ("map", "unmap")))

RACES, FAILED = r"^\w+ (\d+) \d+(?: KCSAN.*)?$", r": (\d+)$"
# program: (what it covers, how its record is put)
ROWS = {
    "explore": ("sequences of events", sequences),
    "races": ("races of three threads", lambda text: f"{total(RACES, text):,}"),
    "kcsan": ("the same, watched by KCSAN (`make races KCSAN=1`)", lambda text: f"{total(RACES, text):,}"),
    "faults": ("allocations that fail, one at a time", lambda text: f"{total(FAILED, text):,}"),
    "sanitize": ("boots under KASAN, UBSAN, kmemleak and the like", boots),
    "mutants": ("changes of one thing in the lines of the fixes", mutants),
    "coverage": ("lines of the functions that the fixes change", lines_seen),
    "acpi": ("machines described by ACPI", machines),
    "ipmmu": ("instructions to map a page and to unmap it in the page tables, R-Car Gen3 (of v4.12, `3-rfc-gen3`)", page),
    "board": ("boards, on a model of R-Car", machines),
}

def table():
    bases, lines = lib.bases(), []
    for program, (what, form) in ROWS.items():
        cells = []
        for base in bases:
            file = f"results/{program}.{base}"
            text = lib.read(lib.path(file), "")
            cells.append("" if not text else form(text) + (", before the last changes" if file in suite.old(base) else ""))
        command = "" if "`make" in what else f" (`make {program}`)"
        lines.append(f"| {what}{command} | {' | '.join(cells)} |")
    head = f"| what was tried | {' | '.join(bases)} |\n|{'---|' * (len(bases) + 1)}\n"
    return head + "".join(f"{line}\n" for line in lines)

def contract_now():
    """(docs/contract.md as it is, as it should be)"""
    text = lib.read(lib.path("docs/contract.md"), "")
    return text, re.sub(r"(?s)(?<=<!-- proof: begin -->\n).*?(?=<!-- proof: end -->)", lambda _: table(), text)
