# SPDX-License-Identifier: GPL-2.0
"""The pool patches/, its lists, and the files that are generated from them."""
import functools
import glob
import os
import re
import subprocess
from defer import lib

POOL = os.path.join(lib.ROOT, "patches")
GROUPS = re.compile(r"1-fixes|2-tests|3-rfc-[a-z0-9]+|4-local")

class Patch:
    """A mail: From, Date, Subject; message; below "---" notes and New-file lines; hunks."""

    def __init__(self, path, text=None):
        text = lib.read(path) if text is None else text
        self.path, self.name = path, os.path.basename(path)[:-len(".patch")]
        text = re.sub(r"\n-- \n[^\n]*\n+\Z", "\n", text)
        head, _, rest = re.sub(r"\AFrom [0-9a-f]+ .*\n", "", text).partition("\n\n")
        head = re.sub(r"\n[ \t]+", " ", head)
        field = dict(line.partition(": ")[::2] for line in head.split("\n"))
        self.author, self.date = field.get("From", ""), field.get("Date", "")
        self.subject = re.sub(r"^(\[PATCH[^]]*\] *)+", "", field.get("Subject", ""))
        at = re.search(r"^diff --git ", rest, re.M)
        before, self.hunks = (rest[:at.start()], rest[at.start():]) if at else (rest, "")
        body, _, below = before.partition("\n---\n") if not before.startswith("---\n") \
            else ("", "", before[4:])
        self.body = body.strip("\n")
        self.new = re.findall(r"^New-file: (\S+)$", below, re.M)
        self.notes = re.sub(r"^New-file: .*\n?", "", below, flags=re.M).strip("\n")

    def pool_text(self):
        parts = [f"From: {self.author}\nDate: {self.date}\nSubject: {self.subject}\n", self.body, "---"]
        below = [self.notes, *("New-file: " + path for path in self.new)]
        parts += [line for line in below if line] + ["", self.hunks.rstrip("\n")]
        return "\n".join(parts) + "\n"

    def claims(self):
        """Globs of the rows that this patch turns, said by hand: lines after "Turns:"."""
        block = re.search(r"^Turns:\n((?:[ \t]+\S.*\n?)+)", self.notes + "\n", re.M)
        return [line.strip() for line in block[1].split("\n") if line.strip()] if block else []

    def shape(self):
        """The change without what differs between bases: blob ids and line numbers."""
        return re.sub(r"^index .*\n|(?<=^@@ )-\d+(,\d+)? \+\d+(,\d+)? @@.*", "", self.hunks, flags=re.M)

    def same_as(self, other):
        return (self.author, self.subject, self.body, sorted(self.new), self.shape()) == \
            (other.author, other.subject, other.body, sorted(other.new), other.shape())

    def facts(self):
        """(path, blob before, blob after, starts of hunks) of each file of the hunks."""
        for part in re.split(r"^(?=diff --git )", self.hunks, flags=re.M)[1:]:
            ids = re.search(r"^index ([0-9a-f]+)\.\.([0-9a-f]+)", part, re.M)
            yield part.split()[2][2:], ids[1] if ids else "-", ids[2] if ids else "-", \
                re.findall(r"^@@ -(\d+)", part, re.M)

    def placed(self, facts):
        """The hunks with blob ids and line numbers of a base: {path: (before, after, starts)}."""
        out = []
        for part in re.split(r"^(?=diff --git )", self.hunks, flags=re.M)[1:]:
            fact = facts.get(part.split()[2][2:])
            out.append(place(part, *fact) if fact else part)
        return "".join(out)

def place(part, before, after, starts):
    part = re.sub(r"^index [0-9a-f]+\.\.[0-9a-f]+", f"index {before}..{after}", part, count=1, flags=re.M)
    starts, shift = iter(starts), 0

    def hunk(match):
        nonlocal shift
        start, n, m = int(next(starts)), int(match[1] or 1), int(match[2] or 1)
        line = f"@@ -{start}{',' + match[1] if match[1] else ''} +{start + shift + (n == 0) - (m == 0)}" \
               f"{',' + match[2] if match[2] else ''} @@"
        shift += m - n
        return line
    return re.sub(r"^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@", hunk, part, flags=re.M)

def read_list(base):
    """[(group, name)] of a base, in order."""
    path = os.path.join(POOL, f"series.{base}")
    entries = [tuple(line.split()) for line in lib.read(path, "").split("\n") if line and line[0] != "#"]
    for entry in entries:
        if len(entry) != 2 or not GROUPS.fullmatch(entry[0]):
            raise lib.Stop("source", f"patches/series.{base}: want \"<group> <name>\", with a group of "
                                     f"1-fixes, 2-tests, 3-rfc-*, 4-local, not \"{' '.join(entry)}\"")
        if not os.path.exists(os.path.join(POOL, entry[1] + ".patch")):
            raise lib.Stop("source", f"patches/series.{base}: there is no patches/{entry[1]}.patch")
    if [e[0] for e in entries] != sorted(e[0] for e in entries):
        raise lib.Stop("source", f"patches/series.{base}: the groups are not in order")
    return entries

def read_places(base):
    """{(name, path): (before, after, starts)}: where a shared patch differs on this base."""
    words = (line.split() for line in lib.read(os.path.join(POOL, f"places.{base}"), "").split("\n")
             if line and line[0] != "#")
    return {(w[0], w[1]): (w[2], w[3], w[4].split(",")) for w in words}

def layer_of(base, path):
    found = [layer for layer in base.layers if os.path.exists(os.path.join(lib.ROOT, "linux", layer, path))]
    if len(found) == 1:
        return found[0]
    raise lib.Stop("source", f"{base.name}: {path} is in two layers, {' and '.join(found)}: keep one" if found
                   else f"{base.name}: New-file {path} is in none of the layers: {' '.join(base.layers)}")

@functools.lru_cache(maxsize=None)
def new_file_diff(layer, path):
    done = lib.git(os.path.join(lib.ROOT, "linux", layer), "diff", "--no-index", "--no-ext-diff",
                   "--no-color", "--full-index", "/dev/null", path, check=False)
    if done.returncode != 1 or not done.stdout:
        raise lib.Stop("source", f"git diff of linux/{layer}/{path} fails (an empty file?)")
    return done.stdout

class Entry:
    """One patch of the series of a base, as it is sent."""

    def __init__(self, base, group, name, number, total, places):
        self.patch = Patch(os.path.join(POOL, name + ".patch"))
        self.group, self.tag = group, f"[PATCH {version_of(base.name)}{number:02d}/{total:02d}]"
        self.number = number
        self.subject = self.patch.subject
        slug = re.sub(r"[^A-Za-z0-9._]+", "-", self.subject).strip("-.")[:52]
        self.file = f"{group}/{number:04d}-{slug}.patch"
        facts = {path: place for (which, path), place in places.items() if which == name}
        self.hunks = self.patch.placed(facts) + "".join(
            new_file_diff(layer_of(base, path), path) for path in self.patch.new)
        if not self.hunks:
            raise lib.Stop("source", f"patches/{name}.patch changes nothing")

    def facts(self):
        return Patch("x.patch", "Subject: x\n\nx\n---\n" + self.hunks).facts()

    def mail(self, turns=""):
        """What `git am` takes; "turns" is the list of tests, below the line."""
        patch = self.patch
        stat = apply_stat(self.hunks, "--stat", "--summary")
        notes = "\n\n".join(part for part in (patch.notes, turns) if part)
        return (f"From {'0' * 40} Mon Sep 17 00:00:00 2001\nFrom: {patch.author}\nDate: {patch.date}\n"
                f"Subject: {self.tag} {patch.subject}\n\n{patch.body}\n---\n"
                f"{notes + chr(10) * 2 if notes else ''}{stat}\n{self.hunks}-- \niommu-defer\n\n")

def version_of(base):
    """The "v2 " of the cover letter's subject, or nothing."""
    found = re.search(r"\[PATCH (v\d+ )", lib.read(os.path.join(POOL, f"cover.{base}"), ""))
    return found[1] if found else ""

def apply_stat(hunks, *options):
    """What git says about a diff, whatever git tree there is around us."""
    done = subprocess.run(["git", "apply", *options], input=hunks.encode(), capture_output=True, cwd="/",
                          check=False)
    if done.returncode:
        raise lib.Stop("source", f"git apply cannot read a patch: {done.stderr.decode().strip()}")
    return done.stdout.decode()

@functools.lru_cache(maxsize=None)
def series(name):
    """The entries of a base."""
    base, listed, places = lib.Base(name), read_list(name), read_places(name)
    entries = [Entry(base, group, pool, i + 1, len(listed), places)
               for i, (group, pool) in enumerate(listed)]
    new = [path for e in entries for path in e.patch.new]
    touched = {path for e in entries for path, *_ in e.patch.facts()}
    twice = sorted({path for path in new if new.count(path) > 1 or path in touched})
    if twice:
        raise lib.Stop("source", f"{name}: a new file is named once, and no hunk may touch it: {' '.join(twice)}")
    if not entries:
        raise lib.Stop("source", f"patches/series.{name} has no patches")
    return entries

def fixes(name):
    return [e for e in series(name) if e.group == "1-fixes"]

def chosen(name, upto=None, rfc=False):
    """The entries of a step: fixes 1 to upto, tests and local ones, and with rfc the RFC groups."""
    return [e for e in series(name) if e.group in ("2-tests", "4-local") or
            (e.group == "1-fixes" and (upto is None or e.number <= upto)) or
            (rfc and e.group.startswith("3-rfc-"))]

def rfc_groups(name):
    return sorted({e.group for e in series(name) if e.group.startswith("3-rfc-")})

def code_of(entries):
    """The hunks on what is compiled into a kernel: no result changes with a text or a program."""
    text = "".join(e.hunks for e in entries)
    parts = re.split(r"^(?=diff --git )", text, flags=re.M)[1:]
    return "".join(p for p in parts if not re.match(r"Documentation/|MAINTAINERS$|tools/", p.split()[2][2:]))

def series_hash(name):
    return lib.digest(code_of(series(name)))

def unused():
    """Pool files that no list names, and new files that no patch names."""
    named = {pool for name in lib.bases() for _, pool in read_list(name)}
    for path in sorted(glob.glob(os.path.join(POOL, "*.patch"))):
        if os.path.basename(path)[:-6] not in named:
            yield f"{os.path.relpath(path, lib.ROOT)}: no patches/series.<base> names it"
    new = {f"{layer}/{path}" for name in lib.bases() for e in series(name) for path in e.patch.new
           for layer in lib.Base(name).layers}
    top = os.path.join(lib.ROOT, "linux")
    for where, _, files in os.walk(top):
        for file in sorted(files):
            path = os.path.relpath(os.path.join(where, file), top)
            if path not in new:
                yield f"linux/{path}: no patch names it as New-file"
