#!/usr/bin/env python3
"""Builds the images of docker/Dockerfile and of examples/docker, and runs a cluster and a program in them.

Usage: images.py SOURCE_FOLDER WORK_FOLDER; exits with 77 where that cannot be done. The first run builds all of
Paracord; the next one builds what has changed since.
"""

import os
import pathlib
import shutil
import socket
import sys
import time

import containers

PROGRAM_LINES = 8


def check(holds, what):
    if not holds:
        raise SystemExit(f"images: {what}")


def free_ports(count):
    listeners = [socket.socket() for _ in range(count)]
    for listener in listeners:
        listener.bind(("127.0.0.1", 0))
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def megabytes(root):
    seen, total = set(), 0
    for folder, _, names in os.walk(root):
        for name in names:
            about = os.lstat(os.path.join(folder, name))
            if about.st_ino not in seen:
                total += about.st_blocks * 512
                seen.add(about.st_ino)
    return round(total / 1e6)


class Cluster:
    """A scheduler and two nodes in the runtime image, with keys."""

    def __init__(self, images, work):
        self.images, self.work = images, work
        self.root, self.config = images.root("localhost/paracord"), images.config("localhost/paracord")
        self.keys = work / "keys"
        shutil.rmtree(self.keys, ignore_errors=True)
        self.keys.mkdir()
        os.chown(self.keys, 10001, 10001)
        self.port, *self.data_ports = free_ports(3)
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.daemons = []

    def start(self, name, *arguments, root=None, config=None, keys="ro"):
        container = containers.Container(
            self.work, name, root or self.root, config or self.config, arguments,
            environment=[f"PARACORD_SCHEDULER={self.address}", "PARACORD_KEYS=/keys"], mounts=[(self.keys, "/keys", keys)])
        self.daemons.append(container)
        return container

    def run(self, name, *arguments, **options):
        code, output = self.start(name, *arguments, **options).wait()
        self.daemons.pop()
        check(code == 0, f"{name} {' '.join(arguments)} ended with {code}:\n{output}")
        return output

    def bring_up(self):
        self.run("keygen", "keygen", "/keys/all", keys="rw")
        self.keys = self.keys / "all"
        self.scheduler = self.start("scheduler", "scheduler", "--listen", self.address)
        self.nodes = [self.start(f"node-{i}", "node", "--slots", "1", "--data-listen", f"tcp://127.0.0.1:{port}",
                                 "--advertise", "127.0.0.1") for i, port in enumerate(self.data_ports)]
        deadline = time.monotonic() + 120
        while True:  # each round starts a container, which takes its time
            status = self.run("status", "status")
            if all(f"node-{i}" in status for i in range(len(self.nodes))):
                return
            check(time.monotonic() < deadline, f"the nodes did not come:\n{status}")

    def bring_down(self):
        for daemon in [*self.nodes, self.scheduler]:
            daemon.terminate()
            code, output = daemon.wait()
            check(code == 0, f"{daemon.name} ended with {code} after SIGTERM:\n{output}")
        self.daemons = []

    def close(self):
        for daemon in self.daemons:
            daemon.kill()


def build_all(images, source):
    base = f"--build-arg=BASE={containers.BASE}"
    for tag, target in (("localhost/paracord", "runtime"), ("localhost/paracord-sdk", "sdk")):
        images.build(tag, source / "docker/Dockerfile", source, base, "--target", target)
    example = source / "examples/docker"
    lines = (example / "Dockerfile").read_text().strip().splitlines()
    check(len(lines) <= PROGRAM_LINES, f"a program's Dockerfile has {len(lines)} lines, {PROGRAM_LINES} at the most")
    images.build("localhost/loop", example / "Dockerfile", example, "--build-arg=SDK=localhost/paracord-sdk",
                 "--build-arg=RUNTIME=localhost/paracord")


def run_all(images, work):
    config = images.config("localhost/paracord")
    check(config["User"] not in ("", "0", "root", "0:0"), f"the image's user is '{config['User']}'")
    cluster = Cluster(images, work)
    try:
        sizes = {tag: megabytes(images.root(tag)) for tag in (containers.BASE, "localhost/paracord", "localhost/paracord-sdk")}
        check("scheduler" in cluster.run("help", *config["Cmd"]), "paracord --help says nothing of a scheduler")
        cluster.bring_up()
        print(cluster.run("check", "check"), end="")
        # The program is in its own image alone: the nodes fetch it.
        output = cluster.run("loop", root=images.root("localhost/loop"), config=images.config("localhost/loop"))
        print(output, end="")
        check("pi is about 3.14" in output, "the program did not say what pi is")
        check("node-0" in output and "node-1" in output, "not both nodes have run its tasks")
        cluster.bring_down()
    finally:
        cluster.close()
    for tag, size in sizes.items():
        print(f"{tag}: {size} MB")


def main():
    source, work = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    if os.geteuid() != 0:
        print("skipped: images are built and run by root only, where there is no container service")
        return 77
    try:
        images = containers.Images(work)
    except containers.Unavailable as why:
        print(f"skipped: {why}")
        return 77
    try:
        build_all(images, source)
        run_all(images, work)
    finally:
        images.close()
    print("images: right")
    return 0


if __name__ == "__main__":
    sys.exit(main())
