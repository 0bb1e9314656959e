# SPDX-License-Identifier: GPL-2.0
"""Packages that the machine doesn't install: the source of a kernel that its own releases of Debian don't have, and
a kernel as Debian has built it, for another architecture. They are downloaded by a source list of the project's
own. The machine's sources, lists, cache and packages stay as they are."""
import glob
import os
import re
import shutil
import tempfile
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

def repositories(kind, *options):
    """Where this machine has its packages from, as lines of a source list: those of "deb", or of "deb-src"."""
    done = lib.run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)",
                    "Created-By: Packages"])
    found = [line for line in done.stdout.split("\n") if line.endswith(" main")]
    release = lib.settings("/etc/os-release").get("VERSION_CODENAME", "stable")
    found = found or [f"http://deb.debian.org/debian {release} main",
                      f"http://deb.debian.org/debian {release}-updates main",
                      f"http://deb.debian.org/debian-security {release}-security main"]
    options = " ".join([*options, *([f"signed-by={KEYRING}"] if os.path.exists(KEYRING) else [])])
    return "".join(f"{kind} {f'[{options}] ' if options else ''}{line}\n" for line in dict.fromkeys(found))

def unreachable(said):
    """What apt-get said of a mirror that it didn't reach; nothing if it reached all."""
    found = re.search(r"^(?:Err|W|E): ?(.*(?:resolve|connect|Failed to fetch|unreachable).*)", said, re.M)
    return found[1][:200] if found else ""

def apt_files(where, name, sources, *arches):
    """A source list and a configuration that keep apt to it, and to directories in the cache."""
    if not os.path.exists(KEYRING):
        lib.deps("debian-archive-keyring")
    lists, conf = os.path.join(where, name), os.path.join(where, "apt.conf")
    lib.write(lists, sources)
    for name in ("state/lists/partial", "cache/archives/partial"):
        os.makedirs(os.path.join(where, name), exist_ok=True)
    lib.write(conf, "\n".join([
        # What the machine does after its own updates is none of our business.
        "#clear APT::Update;", "#clear DPkg;", "#clear Dir::Cache;",
        f'Dir::Etc::SourceList "{lists}";', 'Dir::Etc::SourceParts "/dev/null";',
        'Dir::Etc::Preferences "/dev/null";', 'Dir::Etc::PreferencesParts "/dev/null";',
        f'Dir::State "{where}/state";', 'Dir::State::Status "/dev/null";', f'Dir::Cache "{where}/cache";',
        'Dir::Cache::archives "archives/";', 'Acquire::Languages "none";', 'Acquire::Retries "2";',
        *(f'APT::Architectures:: "{arch}";' for arch in arches),
        # The cache need not be readable for the user _apt.
        f'APT::Sandbox::User "{lib.run(["id", "-un"]).stdout.strip()}";', ""]))
    return conf

def download(package, suite, where):
    """The .deb of the package."""
    sources = f"Types: deb\nURIs: {mirror()}\nSuites: {suite}\nComponents: main\nSigned-By: {KEYRING}\n"
    apt = ["-c", apt_files(where, "own.sources", sources), "-q"]
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

# ---- a kernel that Debian has built

def kernel_debs(source, version, arch, where):
    """The .debs of the kernel that was built from this version of a source package: image, headers, build tools."""
    native = lib.run(["dpkg", "--print-architecture"]).stdout.strip()
    arches = sorted({native, arch})
    apt = ["-c", apt_files(where, "own.list", repositories("deb", "arch=" + ",".join(arches)), *arches), "-q"]
    log = os.path.join(where, "apt.log")
    lib.progress(f"lists of {arch}", log, ["apt-get", *apt, "update"])
    said, image = lib.read(log), rf"linux-image-([\d.]+-\d+)-{arch}-unsigned"
    names = lib.run(["apt-cache", *apt, "pkgnames", "linux-image-"]).stdout.split()
    table = lib.run(["apt-cache", *apt, "madison", *(n for n in names if re.fullmatch(image, n))]).stdout
    have = {row[2]: row[1] for row in re.finditer(rf"^ *{image}\S* *\| *(\S+)", table, re.M)}
    if version in have:
        abi = have[version]
        wanted = [f"linux-image-{abi}-{arch}-unsigned:{arch}", f"linux-headers-{abi}-{arch}:{arch}",
                  f"linux-headers-{abi}-common", f"linux-kbuild-{source.rpartition('-')[2]}:{native}"]
        if not lib.progress(f"download {abi}", log, ["apt-get", *apt, "download", *(f"{n}={version}" for n in wanted)],
                            cwd=where):
            return sorted(glob.glob(glob.escape(where) + "/*.deb"))
    failed = unreachable(said + lib.read(log))
    if failed:
        raise lib.Stop("deps", f"no network, or no mirror: {failed}; the same command goes on from here")
    raise lib.Stop("deps", f"the mirrors have no {arch} kernel of {source} {version} (any more); they have "
                           f"{', '.join(sorted(have)) or 'none'}: apt-get update && apt-get install {source}")

def kernel(source, arch):
    """The kernel that Debian has built from the installed source package, with its device trees and headers:
    (directory, version). Unpacked once."""
    version = lib.must("deps", f"{source} is not installed", ["dpkg-query", "-W", "-f", "${Version}", source])
    where = os.path.join(lib.CACHE, "debian", f"kernel-{version}-{arch}")
    if os.path.exists(where):
        return where, version
    os.makedirs(os.path.dirname(where), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(where)) as scratch:
        os.makedirs(scratch + "/root")
        for deb in kernel_debs(source, version, arch, scratch):
            parts = ["./boot/vmlinuz*", "./usr/lib/*.dtb"] if "/linux-image" in deb else ["./usr"]
            lib.must("disk", f"{os.path.basename(deb)} can't be unpacked", [
                "sh", "-c", 'dpkg-deb --fsys-tarfile "$0" | tar -x "$@"', deb, "-C", scratch + "/root", "--wildcards",
                *parts])
        # Their Makefile names the common headers where they would be installed.
        for file in glob.glob(scratch + f"/root/usr/src/*-{arch}/Makefile"):
            lib.write(file, lib.read(file).replace("/usr/src/", "../"))
        os.rename(scratch + "/root", where)
    return where, version
