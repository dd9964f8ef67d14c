"""What the drivers of the variants share."""

import os
import pathlib
import subprocess
import sys
import time
import uuid

MARK = "PARACORD_VARIANT_MARK"
SKIPPED = 77


def check(holds, promise):
    if not holds:
        sys.exit(f"BROKEN: {promise}")


def skip(why):
    print(f"SKIPPED: {why}")
    sys.exit(SKIPPED)


def eventually(holds, seconds=20):
    """Looks until it holds, or the time is over; returns what it saw last."""
    end = time.monotonic() + seconds
    while not (seen := holds()) and time.monotonic() < end:
        time.sleep(0.005)
    return seen


def in_own_shared_memory(size, needed=True):
    """Starts this script anew where /dev/shm is its own, of this size; returns whether it is."""
    known = os.environ.get("PARACORD_VARIANT_SHM")
    if known:
        return known == "own"
    mount = f"mount -t tmpfs -o size={size} tmpfs /dev/shm"
    for namespaces in ("-m", "-Urm"):  # as root; as anybody, where the system lets them
        probe = subprocess.run(["unshare", namespaces, "sh", "-c", mount], capture_output=True, text=True)
        if probe.returncode == 0:
            os.environ["PARACORD_VARIANT_SHM"] = "own"
            os.execvp("unshare", ["unshare", namespaces, "sh", "-c", mount + ' && exec "$0" "$@"', sys.executable,
                                  *sys.argv])
    if needed:
        skip(f"no /dev/shm of one's own here: {probe.stderr}")
    return False


def used_bytes(folder):
    """Of the file system that it is in."""
    about = os.statvfs(folder)
    return (about.f_blocks - about.f_bfree) * about.f_frsize


def new_mark():
    return uuid.uuid4().hex


def marked_environment(mark, **more):
    return {**os.environ, MARK: mark, **more}


def marked_processes(mark):
    """The processes that have the mark in their environment: a program started with it, and its workers."""
    wanted, found = f"{MARK}={mark}".encode(), []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            pass  # it has ended, or is not ours
    return found


def run(command, timeout=60, env=None, **options):
    """Runs it to its end; returns what it was and said."""
    mark = new_mark()
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL,
                          env={**(env or os.environ), MARK: mark}, **options)
    check(eventually(lambda: not marked_processes(mark)), f"no process is left of {command}")
    return done


def succeeds(command, **options):
    done = run(command, **options)
    check(done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def refuses(command, words, **options):
    """Ends by itself, with an error in these words."""
    done = run(command, **options)
    said = done.stdout + done.stderr
    check(done.returncode == 1, f"{command} ended with {done.returncode}:\n{said}")
    check(words in said, f"'{words}' is not in what {command} said:\n{said}")
    return said


class Paused:
    """A program that was started with "pauses", and waits before its first call."""

    def __init__(self, command, **options):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, **options)
        check(self.process.stdout.readline() == "ready\n", f"{command} is ready")

    def goes_on(self, timeout=30):
        """Returns its exit code and what it said."""
        said, _ = self.process.communicate("\n", timeout=timeout)
        return self.process.returncode, said


def main(cases):
    """Runs the case that the first argument names, with the others."""
    cases[sys.argv[1]](*sys.argv[2:])
    print("ok")
