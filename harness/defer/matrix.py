# SPDX-License-Identifier: GPL-2.0
"""results/<base>.<arch>: one row per result, one column per number of fixes."""
import fnmatch
import os
import re
from defer import lib, patches

CELLS = ". passes, F fails, X the boot died before it, s skipped, - not there, ? not run"

def path_of(base, arch):
    return os.path.join(lib.ROOT, "results", f"{base}.{arch}")

class Matrix:
    def __init__(self, base, arch):
        self.base, self.arch, self.rows, self.head, self.columns = base, arch, {}, {}, []

    @classmethod
    def load(cls, base, arch):
        """None if there are no results yet."""
        path = path_of(base, arch)
        if os.path.isdir(os.path.join(lib.ROOT, "results", base)):
            raise lib.Stop("source", f"results/{base}/ is of an older version of this project: remove it "
                                     f"(git rm -r results/{base}), and run make flips")
        if not os.path.exists(path):
            return None
        new = cls(base, arch)
        for line in lib.read(path).split("\n"):
            if line.startswith("# series: "):
                new.head = dict(part.partition(": ")[::2] for part in line[2:].split("; "))
            elif line.startswith("  "):
                cells, _, name = line[2:].partition("  ")
                new.rows[name] = cells
        width = {len(cells) for cells in new.rows.values()}
        if len(width) != 1 or not new.head:
            raise lib.Stop("source", f"{os.path.relpath(path, lib.ROOT)} is not a matrix of results: remove it, and run make flips")
        rfc = re.search(r"^# \d+R$", lib.read(path), re.M)
        new.columns = [str(n) for n in range(width.pop() - bool(rfc))] + (["R"] if rfc else [])
        return new

    def text(self):
        numbers = [c for c in self.columns if c != "R"]
        tens = "".join(n[0] if len(n) > 1 and n[1] == "0" else " " for n in numbers).rstrip()
        head = "; ".join(f"{k}: {v}" for k, v in self.head.items())
        lines = [f"# {self.base} {self.arch}: column N is with the fixes 1 to N" +
                 (", R with all and what is for discussion" if "R" in self.columns else ""),
                 f"# {CELLS}", f"# {head}"]
        lines += [f"# {tens}"] if tens else []
        lines.append("# " + "".join(n[-1] for n in numbers) + ("R" if "R" in self.columns else ""))
        return "\n".join(lines + [f"  {self.rows[n]}  {n}" for n in sorted(self.rows)]) + "\n"

    def save(self):
        """Write the file only if a cell or the series is another one. True if it was written."""
        path = path_of(self.base, self.arch)
        try:
            old = Matrix.load(self.base, self.arch)
        except lib.Stop:
            old = None
        if old and self.partial() and not old.partial():
            raise lib.Stop("usage", f"{os.path.relpath(path, lib.ROOT)} has all columns: STEPS= doesn't replace it")
        if old and (old.rows, old.columns, old.head.get("series")) == (self.rows, self.columns, self.head["series"]):
            return False
        lib.write(path, self.text())
        return True

    def names(self, upto=None, rfc=False):
        """What a boot with these fixes should report, machines left out."""
        last = len([c for c in self.columns if c != "R"]) - 1
        column = self.columns.index("R") if rfc and "R" in self.columns else last if upto is None else min(upto, last)
        if any(cells[column] == "?" for cells in self.rows.values()):
            column = last
        return [name for name, cells in self.rows.items() if cells[column] != "-" and not name.startswith("boot: ")]

    def turned(self, number):
        """Rows that fail with the fixes before this one, and pass with it."""
        return {n for n, c in self.rows.items() if c[number - 1:number + 1] == "F."}

    def ran(self, number):
        """Were the columns before and with this fix run?"""
        return number < len(self.columns) and not any("?" in c[number - 1:number + 1] for c in self.rows.values())

    def partial(self):
        return any("?" in cells for cells in self.rows.values())

    def reached(self, number):
        return {n for n, c in self.rows.items() if c[number - 1:number + 1] == "X."}

    def broken(self):
        """(column, row) of what a fix breaks, and of what doesn't pass in the end."""
        ends = [c for c in self.columns[-2:] if c == self.columns[-1] or self.columns[-1] == "R"]
        for name, cells in sorted(self.rows.items()):
            ran = [(c, cell) for c, cell in zip(self.columns, cells) if cell != "?"]
            found = [c for (_, before), (c, cell) in zip(ran, ran[1:]) if before in ".s" and cell in "FX-"]
            found += [c for c, cell in ran if c in ends and cell in "FX" and not found]
            yield from ((column, name) for column in found[:1])

    def count(self, column):
        """{cell: number} of a column."""
        at = self.columns.index(column)
        return {c: sum(cells[at] == c for cells in self.rows.values()) for c in ".FXs-?"}

def expected(base, arch, step):
    """The names of what should report at this step; None, and said, without a record."""
    recorded = Matrix.load(base, arch)
    if not recorded:
        print(f"no record of {base}.{arch}: names are not checked")
    return recorded.names(*step) if recorded else None

def loaded(base):
    found = (Matrix.load(base, arch) for arch in lib.Base(base).arches)
    return [m for m in found if m]

def by_arch(found, everything):
    """{arch: names} as lines: those of all archs plain, others with "(arch)"; whole tests starred."""
    lines = {}
    for arch, names in found.items():
        lines[arch] = set()
        for name in names:
            test = ".".join(name.split(".")[:2]) + "."
            whole = {n for n in everything[arch] if n.startswith(test)}
            lines[arch].add(test + "*" if len(whole) > 2 and whole <= names else name)
    return sorted({line + ("" if all(line in other for other in lines.values()) else f" ({arch})")
                   for arch, mine in lines.items() for line in mine})

def turns_text(base, number):
    """The list below "---" of fix number, from the matrices. Empty without results."""
    found = loaded(base)
    if not found or not all(m.ran(number) for m in found):
        return ""
    everything = {m.arch: set(m.rows) for m in found}
    turned = by_arch({m.arch: m.turned(number) for m in found}, everything)
    reached = by_arch({m.arch: m.reached(number) for m in found}, everything)
    out = [f"Fails on {base} without this patch, passes with it:", *("  " + line for line in turned)] if turned \
        else [f"No test of {base} turns with this patch."]
    if reached:
        out += ["The boot died before these, and no longer does:", *("  " + line for line in reached)]
    return "\n".join(out)

def false_claims(base, entry):
    """Lines after "Turns:" of a pool patch that no row of this base confirms."""
    found = [m for m in loaded(base) if m.ran(entry.number)]
    for line in entry.patch.claims() if found else []:
        glob, _, arch = re.fullmatch(r"(.*?)( \((\w+)\))?", line).groups()
        pattern = re.sub(r"([[\]?])", r"[\1]", glob)
        for m in (m for m in found if arch in (None, m.arch)):
            if not fnmatch.filter(m.turned(entry.number), pattern):
                yield f"{entry.file}: says it turns \"{line}\", but no such row of results/{base}.{m.arch} changes from F to ."

def readme_table():
    """The table of README: what fails before, and with the fixes."""
    lines = ["| kernel | architecture | results | fail without the fixes | not reached, the boot died | fail with them |",
             "|---|---|---|---|---|---|"]
    for base in lib.bases():
        for m in loaded(base):
            last = str(len(patches.fixes(base)))
            if last not in m.columns:
                continue
            before, after = m.count("0"), m.count(last)
            failed, died = ("not recorded yet",) * 2 if before["?"] else (before["F"], before["X"])
            lines.append(f"| {base} | {m.arch} | {sum(after.values()) - after['-']} | {failed} | {died} | "
                         f"{after['F'] + after['X']} |")
    return "\n".join(lines)

README = re.compile(r"(<!-- results: begin -->\n).*?(<!-- results: end -->)", re.S)

def readme_now():
    """(README as it is, README as it should be)"""
    text = lib.read(os.path.join(lib.ROOT, "README.md"), "")
    return text, README.sub(lambda m: m[1] + readme_table() + "\n" + m[2], text)
