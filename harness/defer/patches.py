# SPDX-License-Identifier: GPL-2.0
"""The pool patches/, its lists, and the patches that are generated from them."""
import email
import functools
import os
import pathlib
import re
from defer import lib

GROUPS = re.compile(r"1-fixes|2-tests|3-rfc-[a-z0-9]+|4-local")

def by_file(hunks):
    """{path: its part of a diff}"""
    parts = re.split(r"^(?=diff --git )", hunks, flags=re.M)[1:]
    return {part.split()[2][2:]: part for part in parts}

def facts(hunks):
    """{path: (blob before, blob after, starts of hunks)}"""
    found = {}
    for path, part in by_file(hunks).items():
        ids = re.search(r"^index ([0-9a-f]+)\.\.([0-9a-f]+)", part, re.M)
        found[path] = (*(ids.groups() if ids else ("-", "-")), re.findall(r"^@@ -(\d+)", part, re.M))
    return found

def slug(subject, length):
    return re.sub(r"[^A-Za-z0-9._]+", "-", subject).strip("-.")[:length].rstrip("-.")

class Patch:
    """A mail: From, Date, Subject; message; below "---" notes and New-file lines; hunks."""

    def __init__(self, name, text=None):
        self.name = name
        mail = email.message_from_string(lib.read(pool(name)) if text is None else text)
        self.author, self.date = mail.get("From", ""), mail.get("Date", "")
        self.subject = re.sub(r"^(\[PATCH[^]]*\] *)+", "", re.sub(r"\n[ \t]+", " ", mail.get("Subject", "")))
        text, *hunks = re.split(r"^(?=diff --git )", mail.get_payload(), maxsplit=1, flags=re.M)
        self.hunks = re.sub(r"\n-- \n[^\n]*\n+\Z", "\n", "".join(hunks))
        body, _, below = ("\n" + text).partition("\n---\n")
        self.body = body.strip("\n")
        self.new = re.findall(r"^New-file: (\S+)$", below, re.M)
        self.notes = re.sub(r"^New-file: .*\n?", "", below, flags=re.M).strip("\n")

    def pool_text(self):
        below = "".join(f"{line}\n" for line in (self.notes, *("New-file: " + path for path in self.new)) if line)
        return (f"From: {self.author}\nDate: {self.date}\nSubject: {self.subject}\n\n{self.body}\n---\n"
                f"{below}\n" + self.hunks.rstrip("\n") + "\n")

    def noted(self, title):
        """The lines after a title in the notes."""
        block = re.search(rf"^{title}:\n((?:[ \t]+\S.*\n?)+)", self.notes, re.M)
        return [line.strip() for line in block[1].strip().split("\n")] if block else []

    def claims(self):
        """Globs of the rows that this patch turns, said by hand."""
        return self.noted("Turns")

    def races(self):
        """Rows of races that this patch ends: without it they pass or fail by chance."""
        return self.noted("Lost by chance without this patch")

    def content(self):
        """The patch without what differs between bases: blob ids and line numbers."""
        shape = re.sub(r"^index .*\n|(?<=^@@ )-\d+(,\d+)? \+\d+(,\d+)? @@.*", "", self.hunks, flags=re.M)
        return self.author, self.subject, self.body, sorted(self.new), shape

def place(part, before, after, starts):
    """A part of a diff with the blob ids and line numbers of a base."""
    part = re.sub(r"^index [0-9a-f]+\.\.[0-9a-f]+", f"index {before}..{after}", part, count=1, flags=re.M)
    starts, shift = iter(starts), 0

    def hunk(match):
        nonlocal shift
        start, (old, new) = int(next(starts)), (int(n[1:]) if n else 1 for n in match.groups())
        line = f"@@ -{start}{match[1] or ''} +{start + shift + (old == 0) - (new == 0)}{match[2] or ''} @@"
        shift += new - old
        return line
    return re.sub(r"^@@ -\d+(,\d+)? \+\d+(,\d+)? @@", hunk, part, flags=re.M)

# ---- the pool and its lists

def pool(name):
    return lib.path("patches", name + ".patch")

def all_names():
    return sorted(path.stem for path in pathlib.Path(lib.path("patches")).glob("*.patch"))

def read_list(base):
    """[(group, name)] of a base, in order."""
    where = f"patches/series.{base}"
    entries = [tuple(line.split()) for line in lib.lines(lib.path(where))]
    for entry in entries:
        if len(entry) != 2 or not GROUPS.fullmatch(entry[0]):
            raise lib.Stop("source", f"{where}: want \"<group> <name>\", with a group of 1-fixes, 2-tests, 3-rfc-*, "
                                     f"4-local, not \"{' '.join(entry)}\"")
        if not os.path.exists(pool(entry[1])):
            raise lib.Stop("source", f"{where}: there is no patches/{entry[1]}.patch")
    if entries != sorted(entries, key=lambda entry: entry[0]):
        raise lib.Stop("source", f"{where}: the groups are not in order")
    return entries

def listed_bases():
    return [name for name in lib.bases() if read_list(name)]

def read_places(base):
    """{(name, path): (before, after, starts)}: where a shared patch differs on this base."""
    words = map(str.split, lib.lines(lib.path(f"patches/places.{base}")))
    return {(name, path): (before, after, starts.split(",")) for name, path, before, after, starts in words}

def new_file(base, path):
    """Where a new file of a base is."""
    found = [layer for layer in base.layers if os.path.exists(lib.path("linux", layer, path))]
    if len(found) == 1:
        return f"linux/{found[0]}/{path}"
    raise lib.Stop("source", f"{base.name}: {path} is in two layers, {' and '.join(found)}: keep one" if found
                   else f"{base.name}: New-file {path} is in none of the layers: {' '.join(base.layers)}")

@functools.lru_cache(maxsize=None)
def new_file_diff(where, path):
    done = lib.git(lib.path(where)[:-len(path)], "diff", "--no-index", "--no-ext-diff", "--no-color", "--full-index",
                   "/dev/null", path, check=False)
    if done.returncode != 1 or not done.stdout:
        raise lib.Stop("source", f"git diff of {where} fails (an empty file?)")
    return done.stdout

def recipients(base, names):
    """Lines To: and Cc: of a mail about these patches, of patches/cc.<base>."""
    lines, name = {"To": [], "Cc": []}, None
    for line in lib.lines(lib.path(f"patches/cc.{base}")):
        if not line.startswith(" "):
            name = line
        elif name in ("all", *names):
            key, mail = line.strip().split(": ", 1)
            lines[key].append(mail)
    return [f"{key}: " + ",\n    ".join(dict.fromkeys(mails)) for key, mails in lines.items() if mails]

class Thread:
    """Fixes of a base that are sent together: patches/threads.<base>/<name>, a cover letter with its
    Subject:, and Needs: if it stands on other threads; below "---" the fixes."""

    def __init__(self, base, name):
        self.base, self.name, where = base, name, f"patches/threads.{base}/{name}"
        text, _, below = lib.read(lib.path(where)).partition("\n---\n")
        head, _, self.text = text.partition("\n\n")
        self.head, self.names = dict(re.findall(r"^(\w+): (.*)$", head, re.M)), below.split()
        self.needs = self.head.get("Needs", "").split()
        known = {e.patch.name for e in fixes(base)}
        for word in [n for n in self.names if n not in known] + [n for n in self.needs if n not in thread_names(base)]:
            raise lib.Stop("source", f"{where}: {base} has no {word}")
        if not self.names or "Subject" not in self.head:
            raise lib.Stop("source", f"{where}: want \"Subject: ...\", a text, a line \"---\" and names of fixes")

    def entries(self, with_needs=False):
        """In the order of the series."""
        names = set(self.names)
        if with_needs:
            names.update(e.patch.name for need in self.needs for e in Thread(self.base, need).entries(True))
        return [e for e in fixes(self.base) if e.patch.name in names]

def thread_names(base):
    return sorted(path.name for path in pathlib.Path(lib.path(f"patches/threads.{base}")).glob("*"))

def threads(base):
    return [Thread(base, name) for name in thread_names(base)]

# ---- the series of a base

class Entry:
    """One patch of the series of a base, as it is sent."""

    def __init__(self, base, group, name, number, places):
        self.group, self.number, self.patch = group, number, Patch(name)
        self.subject = self.patch.subject
        self.file = f"{group}/{number:04d}-{slug(self.subject, 52)}.patch"
        parts = {path: place(part, *places[name, path]) if (name, path) in places else part
                 for path, part in by_file(self.patch.hunks).items()}
        parts.update({path: new_file_diff(new_file(base, path), path) for path in self.patch.new if path not in parts})
        self.hunks = "".join(parts.values())
        if not self.hunks:
            raise lib.Stop("source", f"patches/{name}.patch changes nothing")

    def mail(self, tag, turns=""):
        """What `git am` takes; "turns" is the list of tests, below the line."""
        patch = self.patch
        notes = "".join(f"{part}\n\n" for part in (patch.notes, turns) if part)
        return (f"From {'0' * 40} Mon Sep 17 00:00:00 2001\nFrom: {patch.author}\nDate: {patch.date}\n"
                f"Subject: {tag} {patch.subject}\n\n{patch.body}\n---\n"
                f"{notes}{apply_stat(self.hunks, '--stat', '--summary')}\n{self.hunks}-- \niommu-defer\n\n")

def apply_stat(hunks, *options):
    """What git says about a diff, whatever git tree there is around us."""
    return lib.must("source", "git apply cannot read a patch", ["git", "apply", *options], input=hunks, cwd="/")

@functools.lru_cache(maxsize=None)
def series(name):
    """The entries of a base."""
    base, places = lib.Base(name), read_places(name)
    entries = [Entry(base, group, patch, i + 1, places) for i, (group, patch) in enumerate(read_list(name))]
    new = [path for e in entries for path in e.patch.new]
    touched = {path for e in entries for path in by_file(e.patch.hunks)}
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

def code_of(entries, but=None):
    """The hunks on what is compiled into a kernel, but for files that match: no result changes with a text
    or a program."""
    return "".join(part for e in entries for path, part in by_file(e.hunks).items()
                   if not re.match(r"Documentation/|MAINTAINERS$|tools/", path)
                   and not (but and re.match(but, path)))

# Suites that have a program and a record of their own, and aren't in results/<base>.<arch>.
ELSEWHERE = r"lib/iommu_defer_((explore|faults|held)_kunit\.c|faults\.h)$"
# What only other suites are made of: a machine runs one.
NOT_OF_MACHINES = r"lib/((?!iommu_defer_boot)\w+_kunit|iommu_defer_(case|faults|log|map|map_table|pci|table))\.[ch]$"

def series_hash(name):
    return lib.digest(code_of(series(name), ELSEWHERE))

def unused():
    """Pool files that no list names, and new files that no patch names."""
    named = {patch for base in lib.bases() for _, patch in read_list(base)}
    yield from (f"patches/{name}.patch: no patches/series.<base> names it" for name in all_names() if name not in named)
    new = {new_file(lib.Base(name), path) for name in lib.bases() for e in series(name) for path in e.patch.new}
    for file in sorted(pathlib.Path(lib.path("linux")).rglob("*")):
        path = str(file.relative_to(lib.ROOT))
        if file.is_file() and path not in new:
            yield f"{path}: no patch names it as New-file"
