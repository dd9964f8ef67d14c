#!/usr/bin/env python3
"""What is left of a program that was ended in the middle of a call: nothing.

Usage: leftovers.py CASE PROGRAM
"""

import os
import signal
import subprocess
import tempfile
import time

from harness import (check, eventually, in_own_shared_memory, main, marked_environment, marked_processes, new_mark,
                     used_bytes)

WORKERS = 2


class Busy:
    """A program whose workers are in the middle of their tasks."""

    def __init__(self, program, what, **variables):
        self.mark, self.folder = new_mark(), tempfile.TemporaryDirectory()
        environment = marked_environment(self.mark, TMPDIR=self.folder.name, **variables)
        self.process = subprocess.Popen(
            [program, what], env=environment, stdout=subprocess.PIPE, start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        begun = 0
        while begun != WORKERS and (line := self.process.stdout.readline()):
            begun += b"] begun" in line
        check(begun == WORKERS, "the tasks have begun")
        known = 1 + WORKERS * (2 if what == "starts" else 1)
        check(eventually(lambda: len(marked_processes(self.mark)) == known), f"there are {known} processes")

    def kill(self, everything):
        for pid in marked_processes(self.mark) if everything else [self.process.pid]:
            os.kill(pid, signal.SIGKILL)

    def leaves_nothing(self, by):
        code = self.process.wait(timeout=10)
        check(code == -by, f"the program was ended by signal {by}, not {code}")
        check(eventually(lambda: not marked_processes(self.mark), 10), "no process is left")
        check(not os.listdir(self.folder.name), "the folder for temporary files is empty")


def killed(program):
    own = in_own_shared_memory("256m", needed=False)
    for what in ("sleep", "print", "starts", "share"):
        for everything in (False, True):
            busy = Busy(program, what)
            if own and what == "share":
                check(used_bytes("/dev/shm") > 4 << 20, "arrays are in shared memory")
            busy.kill(everything)
            busy.leaves_nothing(signal.SIGKILL)
            if own:
                check(eventually(lambda: used_bytes("/dev/shm") == 0, 10), f"{what}: shared memory is free")


def killed_with_files_on_disk(program):
    with tempfile.TemporaryDirectory() as folder:
        busy = Busy(program, "share", PARACORD_TEMP_FOLDER=folder)
        busy.kill(everything=False)
        busy.leaves_nothing(signal.SIGKILL)
        check(not os.listdir(folder), "PARACORD_TEMP_FOLDER is empty")


def killed_at_any_time(program):
    """Also while its workers start, before they have seen their parent."""
    for step in range(80):
        mark = new_mark()
        process = subprocess.Popen([program, "sleep"], env=marked_environment(mark), stdout=subprocess.DEVNULL)
        end = time.monotonic() + step * 0.25e-3
        while time.monotonic() < end:
            pass
        process.kill()
        process.wait()
        check(eventually(lambda: not marked_processes(mark), 10), f"no process is left after step {step}")


def interrupted(program):
    """Ctrl-C: the terminal sends it to the program's process group, in which no worker is."""
    for what in ("sleep", "print", "starts", "share"):
        busy = Busy(program, what)
        os.killpg(busy.process.pid, signal.SIGINT)
        busy.leaves_nothing(signal.SIGINT)


main({case.__name__: case for case in (
    killed, killed_with_files_on_disk, killed_at_any_time, interrupted)})
