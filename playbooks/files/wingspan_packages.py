#!/usr/bin/python3 -ISE
"""A Debian bundle: packages of pinned versions, installed by apt from the archive in the bundle.

What apt may reach is that archive and nothing else, so no other package changes; none is removed.
Going back means files, dpkg's own records and links of alternatives as they were; what maintainer
scripts did beyond files is not undone.
"""

import contextlib
import fcntl
import glob
import os
import shutil
import subprocess
import tarfile
import time

import wingspan_bundle as bundles
import wingspan_firewall as firewall
import wingspan_snapshot as snapshot

DPKG, APT = "/usr/bin/dpkg", "/usr/bin/apt-get"
QUERY, DEB = "/usr/bin/dpkg-query", "/usr/bin/dpkg-deb"
RECORDS = "/var/lib/dpkg"
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "DEBIAN_FRONTEND": "noninteractive",
    "LC_ALL": "C",
}
KEEP = ("--force-confdef", "--force-confold")
SYSTEMCTL = "/usr/bin/systemctl"
# What Debian's packages ask before they start or stop a service; 101 forbids it.
POLICY = "/usr/sbin/policy-rc.d"
NO_SERVICES = """\
#!/bin/sh
# Written by Wingspan (wingspan_packages.py) while a boot finishes an update: a service that waits
# for the boot would be what the boot waits for. The boot itself starts it.
exit 101
"""


def paths(manifest, folder):
    """Return what installing the packages may change."""
    found = set()
    for package in manifest["packages"]:
        for listing in [*glob.glob(f"{RECORDS}/info/{package}.list"), *of_arch(package, "list")]:
            with open(listing, encoding="utf-8") as file:
                found.update(line.rstrip("\n") for line in file)
        found.update([*glob.glob(f"{RECORDS}/info/{package}.*"), *of_arch(package, "*")])
    for deb in glob.glob(os.path.join(folder, "archive/*.deb")):
        new = contents(deb)
        for path in filter(bundles.forbidden, new):
            raise OSError(f"no bundle may touch {path}")
        found.update(new)
    for pattern in ("status", "diversions", "statoverride", "triggers/*", "alternatives/*"):
        found.update(glob.glob(f"{RECORDS}/{pattern}"))
    found.update(glob.glob("/etc/alternatives/*"))
    found.update(("/var/lib/apt/extended_states", *glob.glob("/var/cache/debconf/*.dat")))
    return [path for path in found if path != "/." and not is_folder(path)]


def of_arch(package, what):
    return glob.glob(f"{RECORDS}/info/{package}:*.{what}")


def is_folder(path):
    return os.path.isdir(path) and not os.path.islink(path)


def contents(deb):
    """Return the files of a package that is not installed yet."""
    process = subprocess.Popen(  # noqa: S603 - a program by its full path, without a shell
        (DEB, "--fsys-tarfile", deb), stdout=subprocess.PIPE
    )
    with process, tarfile.open(fileobj=process.stdout, mode="r|") as tar:
        return [f"/{member.name.removeprefix('./')}" for member in tar if not member.isdir()]


def apply(manifest, folder, given):
    """Install the packages; finish first what was broken off in the middle."""
    with services_left_alone():
        install(manifest, folder, given)


def install(manifest, folder, given):
    wait_for_dpkg(given.left_s())
    # What cannot be configured yet is mended by the installation.
    run((DPKG, *KEEP, "--configure", "-a"), given.left_s(), must=False)
    archive, apt = os.path.join(folder, "archive"), os.path.join(folder, "apt")
    for place in ("lists/partial", "cache/archives/partial"):
        os.makedirs(os.path.join(apt, place), exist_ok=True)
    source = os.path.join(apt, "sources.list")
    with open(source, "w", encoding="utf-8") as file:
        file.write(f"deb [signed-by={archive}/archive.gpg] file:{archive} ./\n")
    options = {
        "Dir::Etc::SourceList": source,
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::Etc::Preferences": "/dev/null",
        "Dir::Etc::PreferencesParts": "/dev/null",
        "Dir::State::Lists": f"{apt}/lists",
        "Dir::Cache": f"{apt}/cache",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        "DPkg::Lock::Timeout": "60",
    }
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    run((APT, "-q", *words, "update", "--error-on=any"), given.left_s())
    wanted = ["-y", "-q", "-f", "--no-remove", "--no-install-recommends", "--allow-downgrades"]
    wanted += [word for each in KEEP for word in ("-o", f"Dpkg::Options::={each}")]
    pinned = [f"{name}={version}" for name, version in sorted(manifest["packages"].items())]
    run((APT, *words, *wanted, "install", *pinned), given.left_s())
    snapshot.flush("/")


@contextlib.contextmanager
def services_left_alone():
    """Let no package start or stop a service for the block, where a boot waits for it."""
    boots = os.path.isdir("/run/systemd/system") and not run(
        (SYSTEMCTL, "is-active", "basic.target"), 60, must=False
    ).startswith("active")
    if boots and not os.path.exists(POLICY):
        firewall.write(POLICY, NO_SERVICES, 0o755)
    try:
        yield
    finally:
        ask_no_more()


def ask_no_more():
    """Take our policy away; one that is another's stays."""
    with contextlib.suppress(FileNotFoundError), open(POLICY, encoding="utf-8") as file:
        if file.read() == NO_SERVICES:
            os.unlink(POLICY)


def faults(manifest):
    """Return which packages are not installed as pinned."""
    form = "${Package} ${Version} ${db:Status-Status}\n"
    shown = run((QUERY, "-W", "-f", form, *manifest["packages"]), 60, must=False)
    have = {line.split(" ", 1)[0]: line.split(" ", 1)[1] for line in shown.splitlines() if line}
    found = [
        f"{name} is {have.get(name, 'not there')}, not {version} installed"
        for name, version in sorted(manifest["packages"].items())
        if have.get(name) != f"{version} installed"
    ]
    return found + run((DPKG, "--audit"), 60).splitlines()


def restore(manifest, kept):
    """Take away what was not there before: records of packages, files that were half written.

    What dpkg journalled since is not to be merged with its records as they were.
    """
    ask_no_more()
    wait_for_dpkg(600)
    for package in manifest["packages"]:
        for path in [*glob.glob(f"{RECORDS}/info/{package}.*"), *of_arch(package, "*")]:
            if path not in kept:
                os.unlink(path)
    for path in kept:
        for ending in ("dpkg-new", "dpkg-tmp", "dpkg-dist"):
            if f"{path}.{ending}" not in kept:
                snapshot.removed(f"{path}.{ending}")
    for path in glob.glob(f"{RECORDS}/updates/*"):
        os.unlink(path)
    shutil.rmtree(os.path.join(RECORDS, "tmp.ci"), ignore_errors=True)


def wait_for_dpkg(patience_s):
    """Wait until no dpkg is at work: one outlives the program that started it."""
    ends_s = time.monotonic() + patience_s
    for name in ("lock-frontend", "lock"):
        with open(os.path.join(RECORDS, name), "a", encoding="utf-8") as file:
            while True:
                with contextlib.suppress(BlockingIOError):
                    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                if time.monotonic() > ends_s:
                    raise OSError("another dpkg does not end")
                time.sleep(0.2)


def run(command, patience_s, *, must=True):
    done = subprocess.run(  # noqa: S603 - a program by its full path, without a shell
        command,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=patience_s,
    )
    if must and done.returncode != 0:
        said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise OSError(f"{os.path.basename(command[0])}: {'; '.join(said[-3:])}")
    return done.stdout
