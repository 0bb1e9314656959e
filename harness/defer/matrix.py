# SPDX-License-Identifier: GPL-2.0
"""results/<base>.<arch>: one row per result, one column per number of fixes."""
import fnmatch
import os
import re
from defer import lib, patches

CELLS = ". passes, F fails, X the boot died before it, s skipped, - not there, ? not run"

class Matrix:
    """The columns are those of 0 to N fixes, and "R" with what is for discussion. What a cell depends on: that of
    a suite on "keys" of its column; that of a machine on "kernels" of its column, in which other suites don't
    count, and on "machines" of its row."""

    def __init__(self, base, arch):
        self.base, self.arch, self.rows, self.head, self.columns = base, arch, {}, {}, []
        self.keys, self.kernels, self.machines = {}, {}, {}
        self.name = f"results/{base}.{arch}"

    @classmethod
    def load(cls, base, arch):
        """None if there are no results yet."""
        new = cls(base, arch)
        if os.path.isdir(lib.path("results", base)):
            raise lib.Stop("source", f"results/{base}/ is of an older version of this project: remove it "
                                     f"(git rm -r results/{base}), and run make flips")
        if not os.path.exists(lib.path(new.name)):
            return None
        text = lib.read(lib.path(new.name))
        head = re.search(r"^# (series: .*)", text, re.M)
        for cells, name, _, key in re.findall(r"^  (\S+)  (.*?)(  @(\w+))?$", text, re.M):
            new.rows[name] = cells
            new.machines.update({name: key} if key else {})
        widths = {len(cells) for cells in new.rows.values()}
        if len(widths) != 1 or not head:
            raise lib.Stop("source", f"{new.name} is not a matrix of results: remove it, and run make flips")
        new.head = dict(part.partition(": ")[::2] for part in head[1].split("; "))
        rfc = ["R"] if re.search(r"^# \d+R$", text, re.M) else []
        new.columns = [str(n) for n in range(widths.pop() - len(rfc))] + rfc
        for what in ("keys", "kernels"):
            keys = re.search(rf"^# {what}: (.*)", text, re.M)
            getattr(new, what).update(zip(new.columns, keys[1].split()) if keys else {})
        return new

    def text(self):
        numbers, rfc = [c for c in self.columns if c != "R"], "R" in self.columns
        tens = "".join(n[0] if n[1:] == "0" else " " for n in numbers).rstrip()
        lines = [f"# {self.base} {self.arch}: column N is with the fixes 1 to N" +
                 (", R with all and what is for discussion" if rfc else ""),
                 f"# {CELLS}", "# " + "; ".join(f"{k}: {v}" for k, v in self.head.items()),
                 *(f"# {what}: " + " ".join(getattr(self, what).get(c, "-") for c in self.columns)
                   for what in ("keys", "kernels")),
                 *([f"# {tens}"] if tens else []), "# " + "".join(c[-1] for c in self.columns)]
        return "\n".join(lines + [f"  {self.rows[n]}  {n}" + (f"  @{self.machines[n]}" if n in self.machines else "")
                                  for n in sorted(self.rows)]) + "\n"

    def save(self):
        """Write the file only if a cell is another one, or what it depends on. True if it was written."""
        try:
            old = Matrix.load(self.base, self.arch)
        except lib.Stop:
            old = None
        if old and self.partial() and not old.partial():
            raise lib.Stop("usage", f"{self.name} has all columns: STEPS= doesn't replace it")
        def all_but_the_date(m):
            return m.rows, m.columns, m.head["series"], m.keys, m.kernels, m.machines
        if old and all_but_the_date(old) == all_but_the_date(self):
            return False
        lib.write(lib.path(self.name), self.text())
        return True

    def column(self, label, key, kernel, machines):
        """{row: cell} of what was recorded in this column with the very same code, machines and tools."""
        at = self.columns.index(label) if label in self.columns else -1
        found = {name: cells[at] for name, cells in self.rows.items() if at >= 0 and cells[at] not in "-?"}
        return {name: cell for name, cell in found.items() if
                (kernel == self.kernels.get(label) and self.machines[name] == machines.get(name)
                 if name in self.machines else key == self.keys.get(label))}

    def current(self):
        """Was it recorded with the series as it is?"""
        return self.head["series"] == patches.series_hash(self.base)

    def names(self, upto=None, rfc=False):
        """What a boot with these fixes should report, machines left out."""
        last = len(self.columns) - 1 - ("R" in self.columns)
        column = len(self.columns) - 1 if rfc else last if upto is None else min(upto, last)
        if any(cells[column] == "?" for cells in self.rows.values()):
            column = last
        return [name for name, cells in self.rows.items() if cells[column] != "-" and not name.startswith("boot: ")]

    def ran(self, number):
        """Were the columns before and with this fix run?"""
        return number < len(self.columns) and not any("?" in c[number - 1:number + 1] for c in self.rows.values())

    def partial(self):
        return any("?" in cells for cells in self.rows.values())

    def turned(self, number, before="F"):
        """Rows that fail with the fixes before this one, and pass with it."""
        return {name for name, cells in self.rows.items() if cells[number - 1:number + 1] == before + "."}

    def reached(self, number):
        """Rows that the boot did not reach without this fix."""
        return self.turned(number, "X")

    def broken(self):
        """(column, row) of what a fix breaks, and of what doesn't pass in the end. A race that a fix ends may
        be lost in any column before it."""
        races = {row: e.number for e in patches.fixes(self.base) for row in e.patch.races()}
        ends = [c for c in self.columns[-2:] if c == self.columns[-1] or self.columns[-1] == "R"]
        for name, cells in sorted(self.rows.items()):
            ran = [(c, cell) for c, cell in zip(self.columns, cells) if cell != "?"]
            found = [c for (_, before), (c, cell) in zip(ran, ran[1:]) if before in ".s" and cell in "FX-"
                     and not (cell == "F" and c != "R" and int(c) < races.get(name, 0))]
            found += [c for c, cell in ran if c in ends and cell in "FX"]
            yield from ((column, name) for column in found[:1])

    def count(self, column):
        """{cell: number} of a column."""
        cells = [cells[self.columns.index(column)] for cells in self.rows.values()]
        return {c: cells.count(c) for c in ".FXs-?"}

def expected(base, arch, step):
    """The names of what should report at this step; None, and said, without a record."""
    recorded = Matrix.load(base, arch)
    if not recorded:
        print(f"no record of {base}.{arch}: names are not checked")
    return recorded.names(*step) if recorded else None

def loaded(base):
    return [m for m in (Matrix.load(base, arch) for arch in lib.Base(base).arches) if m]

def by_arch(found, everything):
    """{arch: names} as lines: those of all archs plain, others with "(arch)"; whole tests starred."""
    lines = {arch: set() for arch in found}
    for arch, names in found.items():
        for name in names:
            test = ".".join(name.split(".")[:2]) + "."
            whole = {n for n in everything[arch] if n.startswith(test)}
            lines[arch].add(test + "*" if len(whole) > 2 and whole <= names else name)
    return sorted({line + ("" if all(line in other for other in lines.values()) else f" ({arch})")
                   for arch, mine in lines.items() for line in mine})

def turns_text(base, number):
    """The list below "---" of fix number, from the matrices, without races: they turn by chance. Empty without
    results."""
    found, races = loaded(base), {row for e in patches.fixes(base) for row in e.patch.races()}
    if not found or not all(m.ran(number) for m in found):
        return ""
    everything = {m.arch: set(m.rows) for m in found}
    turned = by_arch({m.arch: m.turned(number) - races for m in found}, everything)
    reached = by_arch({m.arch: m.reached(number) for m in found}, everything)
    out = [f"Fails on {base} without this patch, passes with it:" if turned else
           f"No test of {base} turns with this patch.", *("  " + line for line in turned)]
    out += ["The boot died before these, and no longer does:", *("  " + line for line in reached)] if reached else []
    return "\n".join(out)

def false_claims(base, entry):
    """Lines after "Turns:" of a pool patch that no row of this base confirms."""
    for m in (m for m in loaded(base) if m.ran(entry.number)):
        for line in entry.patch.claims():
            glob, arch = re.fullmatch(r"(.*?)(?: \((\w+)\))?", line).groups()
            pattern = re.sub(r"([\[\]?])", r"[\1]", glob)
            if arch in (None, m.arch) and not fnmatch.filter(m.turned(entry.number), pattern):
                yield f"{entry.file}: says it turns \"{line}\", but no such row of {m.name} changes from F to ."
    for row in entry.patch.races() if all(m.ran(entry.number) for m in loaded(base)) else []:
        if not any("F" in m.rows.get(row, "")[:entry.number] for m in loaded(base)):
            yield f"{entry.file}: says that {row} is lost by chance without it, but no record has lost it"

def readme_table():
    """The table of README: what fails before, and with the fixes."""
    lines = ["| kernel | architecture | results | fail without the fixes | not reached, the boot died | "
             "fail with them |", "|---|---|---|---|---|---|"]
    for m in (m for base in lib.bases() for m in loaded(base)):
        last = str(len(patches.fixes(m.base)))
        if last in m.columns:
            before, after = m.count("0"), m.count(last)
            failed, died = ("not recorded yet",) * 2 if before["?"] else (before["F"], before["X"])
            lines.append(f"| {m.base} | {m.arch} | {sum(after.values()) - after['-']} | {failed} | {died} | "
                         f"{after['F'] + after['X']} |")
    return "\n".join(lines) + "\n"

def readme_now():
    """(README as it is, README as it should be)"""
    text = lib.read(lib.path("README.md"), "")
    place = r"(?s)(?<=<!-- results: begin -->\n).*?(?=<!-- results: end -->)"
    return text, re.sub(place, lambda _: readme_table(), text)
