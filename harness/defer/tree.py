# SPDX-License-Identifier: GPL-2.0
"""The source that is built: a git work tree in the cache, at the pristine commit and any step of
the series. TREE= (git tree, plain directory or tarball) is only ever read."""
import os
import re
import shutil
import subprocess
from defer import lib, patches

def kind_of(path):
    if os.path.isfile(path):
        return "tar"
    top = lib.git(path, "rev-parse", "--show-toplevel", check=False).stdout.strip()
    return "git" if top == path else "dir"

def makefile_of(path, kind):
    if kind == "git":
        return lib.git(path, "show", "HEAD:Makefile", check=False).stdout
    if kind == "dir":
        return lib.read(os.path.join(path, "Makefile"), "")
    # The listing is cut short on purpose.
    with subprocess.Popen(["tar", "-tf", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True) as listing:
        top = listing.stdout.readline().split("/")[0].strip()
        listing.kill()
    return subprocess.run(["tar", "-xOf", path, "--occurrence=1", f"{top}/Makefile"], text=True,
                          capture_output=True, check=False).stdout

def recognise(path, kind):
    """The base whose version is that of the tree's Makefile."""
    text = "\n".join(makefile_of(path, kind).split("\n")[:12])
    found = dict(re.findall(r"^(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION) *=[ \t]*(.*?)[ \t]*$", text, re.M))
    if len(found) < 4:
        raise lib.Stop("notree", f"TREE={path} is not a kernel tree: its Makefile does not say VERSION, "
                                 "PATCHLEVEL, SUBLEVEL and EXTRAVERSION")
    have = tuple(found[k] for k in ("VERSION", "PATCHLEVEL", "SUBLEVEL", "EXTRAVERSION"))
    for base in map(lib.Base, lib.bases()):
        want = base.get("VERSION"), base.get("PATCHLEVEL"), base.get("SUBLEVEL") or None, base.get("EXTRAVERSION", None)
        if all(w in (None, h) for w, h in zip(want, have)):
            return base.name
    raise lib.Stop("version", f"TREE={path} is version {'.'.join(have[:3])}{have[3]}, which no base "
                              f"describes; known: {' '.join(lib.bases())}. CONTRIBUTING.md says how to add a base")

class Tree:
    """TREE= or, without it, the Debian package of BASE=, in the cache."""

    def __init__(self):
        path, wanted = lib.env("TREE"), lib.env("BASE")
        if path:
            if not os.path.exists(path):
                raise lib.Stop("notree", f"TREE={path} is not there")
            self.path = os.path.realpath(path)
            self.kind = kind_of(self.path)
            self.base = lib.Base(recognise(self.path, self.kind))
            if wanted not in ("", self.base.name):
                raise lib.Stop("version", f"TREE={self.path} is {self.base.name}, not BASE={wanted}")
            where = f"{self.base.name}-{lib.digest(self.path)[:8]}"
        else:
            self.base = lib.Base(wanted or "linux-6.1")
            package = self.base.get("PACKAGE")
            if not package:
                raise lib.Stop("usage", f"base {self.base.name} needs TREE=path of its source. {self.base.get('GET')}")
            lib.deps("base", base=self.base.name)
            self.path = f"{lib.env('PACKAGE_DIR', '/usr/src')}/{package}.tar.xz"
            self.kind, where = "tar", self.base.name
        self.name = self.base.name
        self.work = os.path.join(lib.CACHE, "src", where)
        self.src = os.path.join(self.work, "linux")
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
        paths = sorted({path for e in patches.series(self.name) for path, *_ in e.facts()})
        dirty = lib.git(self.path, "status", "--porcelain", "--untracked-files=all", "--", *paths)
        if dirty:
            names = " ".join(line[2:].strip() for line in dirty.split("\n"))
            raise lib.Stop("dirty", f"TREE={self.path} has uncommitted changes in files of the series: "
                                    f"{names}. Commit or stash them: what is built is HEAD")

    def state_of_path(self):
        """Changes whenever what would be built does."""
        if self.kind == "git":
            return lib.git(self.path, "rev-parse", "HEAD^{tree}")
        if self.kind == "tar":
            stat = os.stat(self.path)
            return f"tar {stat.st_size} {stat.st_mtime_ns}"
        found = []
        for where, dirs, files in os.walk(self.path):
            dirs[:] = sorted(d for d in dirs if d != ".git")
            found += [repr((f, os.lstat(f).st_size, os.lstat(f).st_mtime_ns))
                      for f in (os.path.join(where, name) for name in sorted(files))]
        return "dir " + lib.digest(*found)

    def bring(self):
        """The pristine commit, without history. A git tree lends its objects, nothing is copied."""
        mark, state = os.path.join(self.work, "commit"), self.state_of_path()
        known, _, commit = lib.read(mark, "").strip().rpartition(" ")
        if known == state:
            lock = os.path.join(self.src, ".git", "index.lock")  # of a run that was killed
            if os.path.exists(lock):
                os.unlink(lock)
            return commit
        lib.need_space()
        if self.kind != "git" or not os.path.isdir(os.path.join(self.src, ".git")):
            shutil.rmtree(self.work, ignore_errors=True)
            os.makedirs(self.src)
            self.git("init", "-q")
            lib.write(os.path.join(self.src, ".git/info/exclude"), "/o-*\n")
        if self.kind == "git":
            objects = os.path.join(self.path, lib.git(self.path, "rev-parse", "--git-path", "objects"))
            lib.write(os.path.join(self.src, ".git/objects/info/alternates"), objects + "\n")
            tree = state
        else:
            tree = self.copy_in()
        commit = self.git("commit-tree", tree, "-m", "pristine")
        lib.write(mark, f"{state} {commit}\n")
        return commit

    def copy_in(self):
        """The files as a git tree. What a build left in a directory is ignored, as its .gitignore says."""
        log = os.path.join(self.work, "copy.log")
        if self.kind == "tar" and lib.progress(f"unpack {self.path}", log, [
                "tar", "-xf", self.path, "-C", self.src, "--strip-components=1", "--no-same-owner"]):
            raise lib.Stop("disk", f"cannot unpack {self.path}: {lib.last_line(log)}")
        where = [f"--work-tree={self.path}", f"--git-dir={self.src}/.git"] if self.kind == "dir" else ["-C", self.src]
        if lib.progress("git add", log, ["git", *where, "add", "-A" if self.kind == "dir" else "-Af", "."],
                        cwd=self.path if self.kind == "dir" else self.src):
            raise lib.Stop("disk", f"cannot read {self.path}: {lib.last_line(log)}")
        return self.git("write-tree")

    def what_is_there(self):
        """Has the tree the series already, and its local part?"""
        new = {group: {path for e in patches.series(self.name) if e.group == group for path in e.patch.new}
               for group in ("2-tests", "4-local")}
        listed = set(self.git("ls-tree", "-r", "--name-only", self.commit, "--",
                              *new["2-tests"], *new["4-local"]).split("\n")) if any(new.values()) else set()
        there = {group: paths & listed for group, paths in new.items()}
        for group, paths in there.items():
            if paths and paths != new[group]:
                raise lib.Stop("changed", f"TREE={self.path} has some of the new files of {group}, but not all "
                                          f"(it lacks {' '.join(sorted(new[group] - paths)[:3])}): apply all of the series, or none")
        return bool(there["2-tests"]), bool(there["4-local"])

    def tree_with(self, entries):
        """The git tree of the pristine commit with these patches; no file is touched."""
        index = os.path.join(self.work, "index")
        self.git("read-tree", self.commit, index=index)
        for entry in entries:
            done = self.git("apply", "--cached", "-", stdin=entry.hunks, check=False, index=index)
            if done.returncode:
                self.refuse(entry, done.stderr, entries)
        return self.git("write-tree", index=index)

    def applies(self, entries):
        try:
            self.tree_with(entries)
            return True
        except lib.Stop:
            return False

    def refuse(self, entry, said, entries):
        if "No space left" in said:
            raise lib.Stop("disk", f"no space left in {self.work}: make room, or name another directory with CACHE=DIR")
        changed, seen = [], set()
        for path, before, *_ in (fact for e in patches.series(self.name) for fact in e.facts()):
            if path in seen or not before.strip("0-"):
                continue
            seen.add(path)
            found = self.git("rev-parse", "-q", "--verify", f"{self.commit}:{path}", check=False).stdout.strip()
            if found != before:
                changed.append(f"  {path}: wanted blob {before}, found {found or 'missing'}")
        if not changed:
            raise lib.Stop("source", f"series/{self.name}/{entry.file} does not apply to an unchanged {self.name} after "
                                     f"{len([e for e in entries if e.group == '1-fixes'])} fixes: {said.strip()}")
        there = [e.file for e in patches.series(self.name) if not self.git(
            "apply", "--cached", "--check", "--reverse", "-", stdin=e.hunks, check=False,
            index=self.fresh_index()).returncode]
        part = f"\nIt has part of the series already: {' '.join(there)}" if there else ""
        raise lib.Stop("changed", f"{entry.file} does not apply to TREE={self.path}, which has changed:\n"
                       + "\n".join(changed) + part +
                       f"\nTo go on: apply the series in that tree with `git am -3 {lib.ROOT}/series/{self.name}/*/*.patch`"
                       "\n(without what it has), resolve what conflicts, and run this again:"
                       "\na tree with the series in it is taken as it is")

    def fresh_index(self):
        index = os.path.join(self.work, "index.pristine")
        self.git("read-tree", self.commit, index=index)
        return index

    def entries(self, upto=None, rfc=False):
        """What is to be applied for a step."""
        if not self.has_series:
            return patches.chosen(self.name, upto, rfc)
        if upto is not None or rfc:
            raise lib.Stop("usage", f"TREE={self.path} has the series already, so UPTO= and RFC= cannot choose: "
                                    "give a pristine tree")
        return [e for e in patches.series(self.name) if e.group == "4-local" and not self.local_there]

    def checkout(self, entries):
        """Write a step into the work tree: only the files that differ, so that little is compiled."""
        tree = self.tree_with(entries)
        commit = self.git("commit-tree", tree, "-p", self.commit, "-m", "step")
        self.git("update-index", "-q", "--refresh", check=False)
        if lib.progress("checkout", os.path.join(self.work, "checkout.log"),
                        ["git", "-C", self.src, "checkout", "-q", "-f", "--detach", commit]):
            raise lib.Stop("disk", f"cannot check out {self.src}: {lib.last_line(os.path.join(self.work, 'checkout.log'))}")

    def step(self):
        """UPTO= and RFC= of the environment: (upto, rfc)."""
        last, upto = len(patches.fixes(self.name)), lib.env("UPTO")
        if upto and not (re.fullmatch(r"\d{1,4}", upto) and int(upto) <= last):
            raise lib.Stop("usage", f"UPTO='{upto}' is not a fix of {self.name}: 0 (the tests only) to {last}; "
                                    "RFC=1 adds what is for discussion")
        rfc = lib.env("RFC") not in ("", "0")
        if rfc and upto and int(upto) != last:
            raise lib.Stop("usage", "RFC=1 stands on all fixes: leave UPTO= out")
        if rfc and not patches.rfc_groups(self.name):
            raise lib.Stop("usage", f"{self.name} has nothing for discussion: leave RFC= out")
        return int(upto) if upto else None, rfc

    def prepare(self):
        """Check out what UPTO= and RFC= say: (upto, rfc)."""
        upto, rfc = self.step()
        entries = self.entries(upto, rfc)
        self.checkout(entries)
        last = len(patches.fixes(self.name))
        if self.has_series:
            lib.say(f"{self.name}: {self.path} has the series already and is taken as it is")
        else:
            lib.say(f"{self.name}: fixes up to {last if upto is None else upto} of {last} and the tests are applied in "
                    f"{self.src}{', and the RFC' if rfc else ''}")
        return upto, rfc

def prepared():
    """What run and boot begin with: (tree, archs, (upto, rfc))."""
    if lib.env("BASE"):  # a wrong ARCH is said before anything is unpacked
        lib.wanted_arches(lib.Base(lib.env("BASE")))
    source = Tree()
    arches = lib.wanted_arches(source.base)
    return source, arches, source.prepare()
