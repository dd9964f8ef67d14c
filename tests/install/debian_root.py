"""A root file system of Debian 12, made once and copied for each use."""

import os
import pathlib
import shutil
import subprocess

SUITE = "bookworm"
MIRROR = os.environ.get("PARACORD_DEBIAN_MIRROR", "http://deb.debian.org/debian")


class Unavailable(Exception):
    """Why there can be none here."""


def make(folder):
    """The path of a minimal root below `folder`, from debootstrap; from an earlier run where there was one."""
    root, ready = pathlib.Path(folder) / SUITE, pathlib.Path(folder) / (SUITE + ".ready")
    if ready.exists():
        return root
    if os.geteuid() != 0:
        raise Unavailable("a root file system is made by root only")
    tool = shutil.which("debootstrap") or shutil.which("debootstrap", path="/usr/sbin:/sbin")
    if tool is None:
        raise Unavailable("there is no debootstrap here (Debian: debootstrap)")
    shutil.rmtree(root, ignore_errors=True)
    root.parent.mkdir(parents=True, exist_ok=True)
    result = subprocess.run([tool, "--variant=minbase", SUITE, str(root), MIRROR], capture_output=True, text=True)
    if result.returncode != 0:
        last = (result.stdout + result.stderr).strip().splitlines()[-1:]
        raise Unavailable(f"debootstrap of {SUITE} from {MIRROR} failed: {' '.join(last)}")
    for kept in [*root.glob("var/cache/apt/archives/*.deb"), *root.glob("var/lib/apt/lists/*_*")]:
        kept.unlink()
    ready.touch()
    return root


def copy(root, to):
    """A copy that may be changed, in the place of what is at `to`."""
    shutil.rmtree(to, ignore_errors=True)
    subprocess.run(["cp", "-a", "--reflink=auto", str(root), str(to)], check=True)
    shutil.copy("/etc/resolv.conf", pathlib.Path(to) / "etc/resolv.conf")


def run(root, *command, **options):
    """Runs a command in a root."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    return subprocess.run(["chroot", str(root), *command], env=environment, text=True, **options)
