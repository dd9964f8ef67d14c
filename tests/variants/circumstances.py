#!/usr/bin/env python3
"""Starts a program in ways in which its worker processes might not find it again.

Usage: circumstances.py CASE PROGRAM [ANOTHER]
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

from harness import (Paused, check, eventually, main, marked_environment, marked_processes, new_mark, refuses,
                     succeeds)


def interpreter_of(program):
    headers = subprocess.run(["readelf", "-l", program], capture_output=True, text=True, check=True).stdout
    return re.search(r"interpreter: ([^\]]+)\]", headers)[1]


def in_shell(line, program):
    return ["sh", "-c", line.replace("PROGRAM", '"$0"'), program]


def explicit_loader(program):
    succeeds([interpreter_of(program), program, "arrays"])
    succeeds([interpreter_of(program), "./" + os.path.basename(program)], cwd=os.path.dirname(program))


def loader_with_options(program, library_path):
    loader = [interpreter_of(program), "--library-path", library_path]
    succeeds([*loader, program, "arrays"])
    succeeds([*loader, "./" + os.path.basename(program), "arrays"], cwd=os.path.dirname(program))


def symbolic_link(program):
    with tempfile.TemporaryDirectory() as folder:
        link = os.path.join(folder, "a link with spaces")
        os.symlink(program, link)
        succeeds([link])
        succeeds([interpreter_of(program), link])


def relative_path(program):
    folder, name = os.path.split(program)
    succeeds([os.path.join(".", os.path.basename(folder), name)], cwd=os.path.dirname(folder))
    succeeds(["./" + name, "chdir=/"], cwd=folder)
    succeeds([interpreter_of(program), "./" + name, "chdir=/"], cwd=folder)


def nonsense_as_name(program):
    for name in ("nonsense", "/no/such/program", ""):
        succeeds([name], executable=program)


class Copy:
    """A copy of the program that waits before its first call."""

    def __init__(self, program, by_loader):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name) / "program"
        shutil.copy2(program, self.path)
        loader = [interpreter_of(program)] if by_loader else []
        self.paused = Paused([*loader, self.path, "pauses"])


def replaced(program, another):
    """Another file gets the program's name before the first worker starts: they run the old one."""
    copy = Copy(program, by_loader=False)
    new = copy.path.with_name("new")
    shutil.copy2(another, new)
    new.rename(copy.path)
    code, said = copy.paused.goes_on()
    check(code == 0, f"the program that was replaced runs:\n{said}")


def deleted(program):
    copy = Copy(program, by_loader=False)
    copy.path.unlink()
    code, said = copy.paused.goes_on()
    check(code == 0, f"the program that was deleted runs:\n{said}")


def replaced_under_loader(program, another):
    """Started by an explicit loader, which knows nothing but the name: refused, whatever has it now."""
    for content in (another, program):
        copy = Copy(program, by_loader=True)
        new = copy.path.with_name("new")
        shutil.copy2(content, new)
        new.rename(copy.path)
        code, said = copy.paused.goes_on()
        print(said)
        check(code == 1 and "start the program again" in said, f"it is refused clearly:\n{said}")


def deleted_under_loader(program):
    copy = Copy(program, by_loader=True)
    copy.path.unlink()
    code, said = copy.paused.goes_on()
    print(said)
    check(code == 1 and "start the program again" in said, f"it is refused clearly:\n{said}")


def closed_descriptors(program):
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        succeeds(in_shell(f"exec PROGRAM arrays prints {closed}", program))


def few_descriptors(program):
    succeeds(in_shell("ulimit -n 64; exec PROGRAM arrays prints", program))
    refuses(in_shell("ulimit -n 64; exec PROGRAM jobs=30", program), "Too many open files")


def large_program(program):
    print(f"{os.path.getsize(program) >> 20} MiB:", succeeds([program, "times"], timeout=60))


def forgotten_initialize(program):
    """Neither a hang nor a program that starts itself again and again."""
    mark, most = new_mark(), 0
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen([program], env=marked_environment(mark), stdout=said, stderr=said)
        end = time.monotonic() + 20
        while process.poll() is None and time.monotonic() < end:
            most = max(most, len(marked_processes(mark)))
        said.seek(0)
        words = said.read().decode()
    check(process.returncode == 1, f"it ends with an error, not {process.returncode}: {words}")
    check("make that call the first line of main" in words, f"the error says what to do: {words}")
    check(words.count("main begins") == 1 and most <= 4, f"it was started once: {most} processes, {words}")
    check(eventually(lambda: not marked_processes(mark)), "no process is left")


main({case.__name__: case for case in (
    explicit_loader, loader_with_options, symbolic_link, relative_path, nonsense_as_name, replaced, deleted, replaced_under_loader,
    deleted_under_loader, closed_descriptors, few_descriptors, large_program,
    forgotten_initialize)})
