#!/usr/bin/env python3
"""Installs the packages into a root file system that has nothing, uses them there, and removes them.

Usage: fresh_root.py PACKAGES_FOLDER PROGRAM CACHE_FOLDER; exits with 77 where there can be no such root.
PROGRAM is the quickstart example, built against the packages.
"""

import pathlib
import shutil
import subprocess
import sys

import debian_root


def ours(root):
    """Files of ours in a root, its package lists left out."""
    return sorted(str(path.relative_to(root)) for path in pathlib.Path(root).rglob("*paracord*")
                  if not str(path.relative_to(root)).startswith(("var/cache/apt", "tmp/")))


def main():
    packages, program, cache = map(pathlib.Path, sys.argv[1:4])
    try:
        base = debian_root.make(cache)
    except debian_root.Unavailable as why:
        print(f"skipped: {why}")
        return 77
    root = cache / "fresh"
    debian_root.copy(base, root)
    debs = []
    for deb in sorted(packages.glob("*.deb")):
        shutil.copy(deb, root / "tmp")
        debs.append(f"/tmp/{deb.name}")

    def run(*command, **options):
        print("+", *command, flush=True)
        return debian_root.run(root, *command, check=True, **options)

    if debian_root.run(root, "apt-get", "-q", "update").returncode != 0:
        print(f"skipped: the package lists of {debian_root.MIRROR} cannot be read")
        return 77
    run("apt-get", "-q", "-y", "--no-install-recommends", "install", *debs)
    assert "scheduler" in run("paracord", "--help", stdout=subprocess.PIPE).stdout
    # All libraries of all that was installed are found, and from their usual place.
    for file in run("dpkg", "-L", "paracord", "paracord-dev", stdout=subprocess.PIPE).stdout.split():
        if "/bin/" in file or ".so." in file:
            listing = run("ldd", file, stdout=subprocess.PIPE).stdout
            assert "not found" not in listing, listing
    shutil.copy(program, root / "tmp/program")
    run("/tmp/program")
    run("apt-get", "-q", "-y", "purge", "paracord", "paracord-dev")
    assert ours(root) == [], f"left behind: {ours(root)}"
    shutil.rmtree(root)
    print("installed, used and removed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
