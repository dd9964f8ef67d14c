#!/usr/bin/env python3
"""Calls where memory is scarce: an error of the one task, another folder, or a clear refusal.

Usage: limits.py CASE PROGRAM
"""

import contextlib
import os
import pathlib
import subprocess
import tempfile

from harness import check, eventually, in_own_shared_memory, main, refuses, run, skip, succeeds

MEBIBYTE = 1 << 20


def folders_of(said):
    """Where the program's shared files were made."""
    return {os.path.dirname(line.split()[1]) for line in said.splitlines() if line.startswith("file: ")}


@contextlib.contextmanager
def folders(*names):
    with tempfile.TemporaryDirectory() as folder:
        paths = [pathlib.Path(folder) / name for name in names]
        for path in paths:
            path.mkdir()
        yield [str(path) for path in paths]


def environment(**variables):
    clean = {name: value for name, value in os.environ.items() if name != "PARACORD_TEMP_FOLDER"}
    return {**clean, **variables}


def order_of_folders(program):
    """temp_folder, PARACORD_TEMP_FOLDER, /dev/shm: for what the program shares and for what workers make."""
    in_own_shared_memory("256m", needed=False)
    with folders("option", "variable", "system") as (option, variable, system):
        chosen = environment(PARACORD_TEMP_FOLDER=variable, TMPDIR=system)
        default = environment(TMPDIR=system)
        for what in ("share", "make"):
            for arguments, variables, expected in (([option], chosen, option), ([option], default, option),
                                                   ([], chosen, variable), ([], default, "/dev/shm")):
                seen = folders_of(succeeds([program, what, *arguments], env=variables))
                check(seen == {expected}, f"{what} {arguments} uses {expected}, not {seen}")


def full_from_the_beginning(program):
    in_own_shared_memory("8m")
    pathlib.Path("/dev/shm/full").write_bytes(bytes(7 * MEBIBYTE))
    with folders("system") as (system,):
        for what in ("share", "make"):
            said = succeeds([program, what], env=environment(TMPDIR=system))
            check(folders_of(said) == {system}, f"{what} uses the folder on disk: {said}")


def full_in_the_course_of_time(program):
    """What was made stays where it is; what comes then goes to the disk."""
    in_own_shared_memory("24m")
    with folders("system") as (system,):
        said = succeeds([program, "make"], env=environment(TMPDIR=system))
        check(folders_of(said) == {"/dev/shm", system}, f"both folders are used: {said}")


def full_while_arrays_travel(program):
    """What a node fetches goes to the disk, what a client fetches to its heap."""
    in_own_shared_memory("128m")
    with folders("system") as (system,):
        succeeds([program, "travel"], env=environment(TMPDIR=system))


def no_room_anywhere(program):
    in_own_shared_memory("6m")
    with folders("system") as (system,):
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", system])
        check(mount.returncode == 0, "a small folder is mounted")
        try:
            for what in ("share", "make"):
                said = refuses([program, what], "no folder has room", env=environment(TMPDIR=system))
                check("/dev/shm: room for" in said and f"{system}: room for" in said, f"it names both: {said}")
            refuses([program, "make", system], "no folder has room", env=environment())
        finally:
            subprocess.run(["umount", "-l", system], check=True)


def address_space(program):
    succeeds([program, "allocate"])


def removed(group):
    with contextlib.suppress(OSError):  # its last process is about to leave
        group.rmdir()
    return not group.exists()


def little_address_space(program):
    """Too little for the program's usual habits: it does with less, or says so."""
    for kib in (50_000, 100_000, 200_000, 400_000):
        for what in ("share", "make"):
            done = run(["sh", "-c", f'ulimit -v {kib}; exec "$0" {what}', program])
            print(kib, what, done.returncode, done.stdout, done.stderr)
            check(done.returncode in (0, 1), "it ends by itself")
            check(done.returncode == 0 or "memory" in done.stdout or "thread" in done.stdout, "it says why")


def small_files(program):
    """The system ends programs that make a file too large."""
    for what in ("share", "make"):
        succeeds(["sh", "-c", f'ulimit -f 100000; exec "$0" {what}', program])
        refuses(["sh", "-c", f'ulimit -f 1000; exec "$0" {what}', program], "File too large")


@contextlib.contextmanager
def memory_group(bytes_allowed):
    """A control group, of version 2 or 1, with this limit."""
    name = f"paracord-variant-{os.getpid()}"
    for root, limit in (("/sys/fs/cgroup", "memory.max"), ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")):
        group = pathlib.Path(root) / name
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            if (group / limit).exists():
                (group / limit).write_text(str(bytes_allowed))
                yield group
                return
        finally:
            check(eventually(lambda: removed(group)), f"{group} can be removed")
    skip("no control group for memory can be made here")


def memory_of_a_group(program):
    with memory_group(200 * MEBIBYTE) as group:
        said = succeeds(["sh", "-c", f'echo $$ > "{group}/cgroup.procs" && exec "$0" touch', program])
        check("known to be for memory: yes" in said, f"the error says what for: {said}")
        print(said)


main({case.__name__: case for case in (
    order_of_folders, full_from_the_beginning, full_in_the_course_of_time, full_while_arrays_travel,
    no_room_anywhere, address_space, little_address_space, small_files, memory_of_a_group)})
