# SPDX-License-Identifier: GPL-2.0
"""The source that is built: a git work tree in the cache, at the pristine commit and any step of
the series. TREE= (git tree, plain directory or tarball) is only ever read."""
import os
import re
import shutil
from defer import debian, lib, patches

def kind_of(path):
    if os.path.isfile(path):
        return "tar"
    return "git" if lib.git(path, "rev-parse", "--show-toplevel", check=False).stdout.strip() == path else "dir"

def makefile_of(path, kind):
    if kind == "git":
        return lib.git(path, "show", "HEAD:Makefile", check=False).stdout
    if kind == "dir":
        return lib.read(os.path.join(path, "Makefile"), "")
    return lib.run(["tar", "-xOf", path, "--wildcards", "--no-wildcards-match-slash", "--occurrence=1",
                    "*/Makefile"]).stdout

def recognise(path, kind, wanted=""):
    """The base whose version is that of the tree's Makefile. One that follows upstream also takes newer trees, if
    BASE= names it."""
    head = "\n".join(makefile_of(path, kind).split("\n")[:12])
    found = dict(re.findall(r"^(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION) *=[ \t]*(.*?)[ \t]*$", head, re.M))
    if len(found) < 4:
        raise lib.Stop("notree", f"TREE={path} is not a kernel tree: its Makefile does not say VERSION, "
                                 "PATCHLEVEL, SUBLEVEL and EXTRAVERSION")
    have = [found[k] for k in ("VERSION", "PATCHLEVEL", "SUBLEVEL", "EXTRAVERSION")]
    for base in map(lib.Base, lib.bases()):
        want = base.get("VERSION"), base.get("PATCHLEVEL"), base.get("SUBLEVEL") or None, base.get("EXTRAVERSION", None)
        if all(w in (None, h) for w, h in zip(want, have)):
            return base
    version = f"{'.'.join(have[:3])}{have[3]}"
    if wanted and lib.Base(wanted).get("UPSTREAM"):
        lib.say(f"TREE={path} is version {version}: taken for {wanted}, as you say; whether it is, applying will show")
        return lib.Base(wanted)
    raise lib.Stop("version", f"TREE={path} is version {version}, which no base "
                              f"describes; known: {' '.join(lib.bases())}. CONTRIBUTING.md says how to add a base"
                              + "".join(f". BASE={name} tries the series of {name} on it" for name in lib.bases()
                                        if lib.Base(name).get("UPSTREAM")))

# Without TREE= and BASE=: the kernel of today, or where it can't be downloaded what Debian 12 has.
DEFAULT, ELSE = "linux-7.3", "linux-6.1"

def default():
    """The base that is meant if nobody names one."""
    try:
        debian.tarball(lib.Base(DEFAULT))
    except lib.Stop as stop:
        lib.say(f"{stop}\n{DEFAULT} can't be had, so this is {ELSE}; BASE= names another one")
        return lib.Base(ELSE)
    return lib.Base(DEFAULT)

class Tree:
    """TREE= or, without it, the Debian package of BASE=, in the cache."""

    def __init__(self):
        path, wanted = lib.env("TREE"), lib.env("BASE")
        if wanted:  # a wrong ARCH is said before anything is unpacked
            lib.wanted_arches(lib.Base(wanted))
        if path:
            if not os.path.exists(path):
                raise lib.Stop("notree", f"TREE={path} is not there")
            self.path = os.path.realpath(path)
            self.kind = kind_of(self.path)
            self.base = recognise(self.path, self.kind, wanted)
            if wanted not in ("", self.base.name):
                raise lib.Stop("version", f"TREE={self.path} is {self.base.name}, not BASE={wanted}")
            where = f"{self.base.name}-{lib.digest(self.path)[:8]}"
        else:
            self.base = lib.Base(wanted) if wanted else default()
            where = self.base.name
            if not self.base.get("PACKAGE"):
                raise lib.Stop("usage", f"base {self.base.name} needs TREE=path of its source. {self.base.get('GET')}")
            self.path, self.kind = debian.tarball(self.base), "tar"
        self.name = self.base.name
        self.arches = lib.wanted_arches(self.base)
        self.work = os.path.join(lib.CACHE, "src", where)
        self.src, self.index = os.path.join(self.work, "linux"), os.path.join(self.work, "index")
        self.taken = set()
        patches.series(self.name)  # a broken pool is said before long work begins
        if self.kind == "git":
            self.refuse_dirty()
        lib.lock_cache()
        if os.path.exists(os.path.join(lib.CACHE, "trees")):
            lib.say(f"note: {lib.CACHE}/trees is of an older version of this project; remove it to save space")
        self.commit = self.bring()
        self.has_series, self.local_there = self.what_is_there()

    def git(self, *args, **options):
        return lib.git(self.src, *args, **options)

    def refuse_dirty(self):
        paths = sorted({path for e in patches.series(self.name) for path in patches.by_file(e.hunks)})
        dirty = lib.git(self.path, "status", "--porcelain", "--untracked-files=all", "--", *paths)
        if dirty:
            names = " ".join(line[2:].strip() for line in dirty.split("\n"))
            raise lib.Stop("dirty", f"TREE={self.path} has uncommitted changes in files of the series: "
                                    f"{names}. Commit or stash them: what is built is HEAD")

    def bring(self):
        """The pristine commit, without history. A git tree lends its objects, nothing is copied; of a
        directory, git's index knows what has changed; a tarball is unpacked once."""
        stat, mark, lock = os.stat(self.path), os.path.join(self.work, "commit"), f"{self.src}/.git/index.lock"
        state, (known, _, commit) = f"tar {stat.st_size} {stat.st_mtime_ns}", lib.read(mark, "").strip().rpartition(" ")
        if os.path.exists(lock):  # of a run that was killed
            os.unlink(lock)
        if self.kind == "tar" and known == state:
            return commit
        if self.kind == "tar" or not os.path.isdir(f"{self.src}/.git"):
            lib.need_space()
            shutil.rmtree(self.src, ignore_errors=True)
            os.makedirs(self.src)
            self.git("init", "-q")
            lib.write(f"{self.src}/.git/info/exclude", "/o-*\n")
        if self.kind == "git":
            objects = os.path.join(self.path, lib.git(self.path, "rev-parse", "--git-path", "objects"))
            lib.write(f"{self.src}/.git/objects/info/alternates", objects + "\n")
            tree = lib.git(self.path, "rev-parse", "HEAD^{tree}")
        else:
            tree = self.unpack() if self.kind == "tar" else self.add(self.path, self.index + ".dir", "-A")
        commit = self.git("commit-tree", tree, "-m", "pristine")
        lib.write(mark, f"{state} {commit}\n")
        return commit

    def unpack(self):
        self.logged("unpack", ["tar", "-xf", self.path, "-C", self.src, "--strip-components=1", "--no-same-owner"])
        return self.add(self.src, f"{self.src}/.git/index", "-Af")

    def add(self, files, index, how):
        """The files as a git tree. What a build left in a directory is ignored, as its .gitignore says."""
        self.logged("git add", ["git", f"--work-tree={files}", f"--git-dir={self.src}/.git", "add", how, "."],
                    cwd=files, env=dict(os.environ, GIT_INDEX_FILE=index))
        return self.git("write-tree", index=index)

    def logged(self, label, command, **options):
        log = os.path.join(self.work, "git.log")
        if lib.progress(label, log, command, **options):
            raise lib.Stop("disk", f"{label}: {self.path} does not get to {self.src}: {lib.last_line(log)}")

    def what_is_there(self):
        """Has the tree the series already, and its local part?"""
        listed = set(self.git("ls-tree", "-r", "--name-only", self.commit).split("\n"))
        there = []
        for group in ("2-tests", "4-local"):
            new = {path for e in patches.series(self.name) if e.group == group for path in e.patch.new}
            if new & listed and not new <= listed:
                raise lib.Stop("changed", f"TREE={self.path} has some of the new files of {group}, but not all "
                                          f"(it lacks {' '.join(sorted(new - listed)[:3])}): apply all of it, or none")
            there.append(bool(new & listed))
        return there

    def apply(self, entry, *options):
        """Apply to the index, no file is touched: what git has against it, or nothing."""
        done = self.git("apply", "--cached", *options, "-", stdin=entry.hunks, check=False, index=self.index)
        return (done.stderr.strip() or "?") if done.returncode else ""

    def tree_with(self, entries):
        """The git tree of the pristine commit with these patches."""
        self.git("read-tree", self.commit, index=self.index)
        for entry in entries:
            said = self.apply(entry)
            if said and self.has_already(entry):
                continue
            if said:
                self.refuse(entry, said, entries)
        return self.git("write-tree", index=self.index)

    def has_already(self, entry):
        """Whether upstream has taken a fix, on a base that follows it: said once, and the rest goes on."""
        if not self.base.get("UPSTREAM") or entry.group != "1-fixes" or self.apply(entry, "--check", "--reverse"):
            return False
        if entry.file not in self.taken:
            lib.say(f"{self.path} has it already: {entry.file}")
        self.taken.add(entry.file)
        return True

    def refuse(self, entry, said, entries):
        if "No space left" in said:
            raise lib.Stop("disk", f"no space left in {self.work}: make room, or name another directory with CACHE=DIR")
        wanted = {}  # of each file, the blob that the first patch wants
        for path, (before, *_) in (fact for e in patches.series(self.name) for fact in patches.facts(e.hunks).items()):
            wanted.setdefault(path, before)
        found = {path: self.git("rev-parse", "-q", "--verify", f"{self.commit}:{path}", check=False).stdout.strip()
                 for path in wanted}
        changed = [f"  {path}: wanted blob {want}, found {found[path] or 'missing'}"
                   for path, want in wanted.items() if want.strip("0-") and want != found[path]]
        if not changed:
            raise lib.Stop("source", f"series/{self.name}/{entry.file} does not apply to an unchanged {self.name} "
                                     f"after {len([e for e in entries if e.group == '1-fixes'])} fixes: {said}")
        self.git("read-tree", self.commit, index=self.index)
        there = [e.file for e in patches.series(self.name) if not self.apply(e, "--check", "--reverse")]
        raise lib.Stop("changed", "\n".join([
            f"{entry.file} does not apply to TREE={self.path}, which has changed:", *changed,
            *([f"It has part of the series already: {' '.join(there)}"] if there else []),
            f"To go on: apply the series in that tree with `git am -3 {lib.ROOT}/series/{self.name}/*/*.patch`",
            "(without what it has), resolve what conflicts, and run this again:",
            "a tree with the series in it is taken as it is"]))

    def checkout(self, entries):
        """Write a step into the work tree: only the files that differ, so that little is compiled."""
        commit = self.git("commit-tree", self.tree_with(entries), "-p", self.commit, "-m", "step")
        self.git("update-index", "-q", "--refresh", check=False)
        self.logged("checkout", ["git", "-C", self.src, "checkout", "-q", "-f", "--detach", commit])

    def prepare(self):
        """Check out what UPTO= and RFC= say: (upto, rfc)."""
        last, upto, rfc = len(patches.fixes(self.name)), lib.env("UPTO"), lib.env("RFC") not in ("", "0")
        if upto and not (re.fullmatch(r"\d{1,4}", upto) and int(upto) <= last):
            raise lib.Stop("usage", f"UPTO='{upto}' is not a fix of {self.name}: 0 (the tests only) to {last}; "
                                    "RFC=1 adds what is for discussion")
        if rfc and upto and int(upto) != last:
            raise lib.Stop("usage", "RFC=1 stands on all fixes: leave UPTO= out")
        if rfc and not patches.rfc_groups(self.name):
            raise lib.Stop("usage", f"{self.name} has nothing for discussion: leave RFC= out")
        if self.has_series and (upto or rfc):
            raise lib.Stop("usage", f"TREE={self.path} has the series already, so UPTO= and RFC= cannot choose: "
                                    "give a pristine tree")
        upto = int(upto) if upto else None
        if self.has_series:
            self.checkout([e for e in patches.series(self.name) if e.group == "4-local" and not self.local_there])
            lib.say(f"{self.name}: {self.path} has the series already and is taken as it is")
        else:
            self.checkout(patches.chosen(self.name, upto, rfc))
            lib.say(f"{self.name}: fixes up to {last if upto is None else upto} of {last} and the tests are applied in "
                    f"{self.src}{', and the RFC' if rfc else ''}")
        return upto, rfc
