# SPDX-License-Identifier: GPL-2.0
"""The source package of a kernel that the machine's own releases of Debian don't have: one download, by a
source list of the project's own. The machine's sources, lists, cache and packages stay as they are."""
import glob
import os
import re
import shutil
from defer import lib

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
ELSE = "Or give a tree that you have: TREE=path"

def mirror():
    """The mirror that the machine's own sources name for Debian; not that of its security updates."""
    if not shutil.which("apt-get"):
        raise lib.Stop("deps", f"this is not Debian, so there is no mirror to download from. {ELSE}")
    rows = [line.split("|") for line in lib.run(
        ["apt-get", "indextargets", "--format", "$(SITE)|$(LABEL)", "Created-By: Packages"]).stdout.split("\n") if "|" in line]
    # The label is known once a list has been fetched. Before that, in a fresh image, the address has to do.
    site = next((site for site, label in rows if label == "Debian"), "") or next(
        (site for site in sites_by_hand() if re.search(r"/debian/?$", site)), "")
    if not site:
        raise lib.Stop("deps", f"no source of apt is a mirror of Debian: see /etc/apt. {ELSE}")
    return site

def sites_by_hand():
    for file in ["/etc/apt/sources.list", *sorted(glob.glob("/etc/apt/sources.list.d/*"))]:
        for line in lib.lines(file):
            found = re.match(r"URIs:\s*(\S+)|deb\s+(?:\[[^]]*\]\s*)?(\S+)", line)
            if found:
                yield found[1] or found[2]

def apt_files(where, suite):
    """A source list and a configuration that keep apt to it, and to directories in the cache."""
    if not os.path.exists(KEYRING):
        lib.deps("debian-archive-keyring")
    lists, conf = os.path.join(where, "own.sources"), os.path.join(where, "apt.conf")
    lib.write(lists, f"Types: deb\nURIs: {mirror()}\nSuites: {suite}\nComponents: main\nSigned-By: {KEYRING}\n")
    for name in ("state/lists/partial", "cache/archives/partial"):
        os.makedirs(os.path.join(where, name), exist_ok=True)
    lib.write(conf, "\n".join([
        # What the machine does after its own updates is none of our business.
        "#clear APT::Update;", "#clear DPkg;", "#clear Dir::Cache;",
        f'Dir::Etc::SourceList "{lists}";', 'Dir::Etc::SourceParts "/dev/null";',
        'Dir::Etc::Preferences "/dev/null";', 'Dir::Etc::PreferencesParts "/dev/null";',
        f'Dir::State "{where}/state";', 'Dir::State::Status "/dev/null";', f'Dir::Cache "{where}/cache";',
        'Dir::Cache::archives "archives/";', 'Acquire::Languages "none";', 'Acquire::Retries "2";',
        # The cache need not be readable for the user _apt.
        f'APT::Sandbox::User "{lib.run(["id", "-un"]).stdout.strip()}";', ""]))
    return conf

def download(package, suite, where):
    """The .deb of the package."""
    apt = ["-c", apt_files(where, suite), "-q"]
    log = os.path.join(where, "apt.log")
    if lib.progress(f"lists of {suite}", log, ["apt-get", *apt, "-o", "APT::Update::Error-Mode=any", "update"]):
        raise lib.Stop("deps", f"{lib.last_line(log)} ({package} is in Debian's {suite}; all of it: {log}). "
                               f"Is there a network? {ELSE}")
    names = lib.run(["apt-cache", *apt, "pkgnames", "linux-source-"]).stdout.split()
    if package not in names:
        raise lib.Stop("deps", f"Debian's {suite} has no {package} any more: it has {' '.join(sorted(names)) or 'none'}. "
                               f"{ELSE} (what this base is for, or newer with BASE= as well)")
    # apt-get download leaves the file where it is called, and checks what it has got.
    if lib.progress(f"download {package}", log, ["apt-get", *apt, "download", package], cwd=where):
        raise lib.Stop("deps", f"{lib.last_line(log)} (all of it: {log}). {ELSE}")
    return max(glob.glob(os.path.join(glob.escape(where), f"{package}_*.deb")), key=os.path.getmtime)

def tarball(base):
    """The tarball of a base: as the machine has installed it, as it was downloaded before, or downloaded now."""
    package, suite = base.get("PACKAGE"), base.get("SUITE")
    installed = f"/usr/src/{package}.tar.xz"
    if not suite or os.path.exists(installed):
        lib.deps(package, "xz-utils")
        return installed
    lib.deps("xz-utils")
    where = os.path.join(lib.CACHE, "debian", package)
    ours = os.path.join(where, f"{package}.tar.xz")
    if not os.path.exists(ours):
        lib.need_space()
        os.makedirs(where, exist_ok=True)
        deb = download(package, suite, where)
        lib.must("disk", f"{deb} can't be unpacked", ["dpkg-deb", "-x", deb, os.path.join(where, "deb")])
        os.replace(os.path.join(where, "deb", installed[1:]), ours)
        shutil.rmtree(os.path.join(where, "deb"))
        os.unlink(deb)
    return ours
