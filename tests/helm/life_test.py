#!/usr/bin/env python3
"""Scheduler and nodes with the arguments, environment, volumes, probes and end that the chart gives them,
while 5,000 tasks run and every pod is replaced. Usage: life_test.py PARACORD CLIENT. Ends with 77 where that
cannot be done.
"""
import collections
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time

import pods
import tools
from tools import yaml

TASKS = 5000
LIMIT = 600  # seconds, of the test without the tools that it needs; well under ctest's


def rendered(helm):
    """The Deployments, with key files in place of the job that makes them."""
    text = subprocess.run([helm, "template", "my", str(tools.CHART), "--namespace", "here",
                           "--kube-version", "1.31.0", "--set",
                           "poolDefaults.slots=2,poolDefaults.drainSeconds=60,poolDefaults.sharedMemory=256Mi"],
                          check=True, capture_output=True, text=True).stdout
    all_of_them = [one for one in yaml.safe_load_all(text) if one and one["kind"] == "Deployment"]
    scheduler, = (one for one in all_of_them if one["metadata"]["name"].endswith("scheduler"))
    nodes, = (one for one in all_of_them if one is not scheduler)
    return scheduler, nodes


class Watch(threading.Thread):
    """Asks the liveness probe of every pod again and again."""

    def __init__(self):
        super().__init__(daemon=True)
        self.living, self.failures, self.asked, self.over = [], [], 0, False

    def run(self):
        while not self.over:
            for pod in list(self.living):
                status = pod.probe("livenessProbe")
                self.asked += 1
                if status != 200 and pod in self.living:
                    self.failures.append((pod.name, status))
            time.sleep(0.1)


def check(paracord, client, folder, helm):
    scheduler_manifest, node_manifest = rendered(helm)
    keys = folder / "keys"
    subprocess.run([paracord, "keygen", str(keys)], check=True, capture_output=True)
    network = pods.Network(folder)
    watch = Watch()

    def scheduler(number):
        pod = pods.Pod(network, scheduler_manifest, f"scheduler-{number}", paracord, keys)
        network.name("my-paracord-scheduler.here.svc.cluster.local", pod.address)
        pod.start()
        watch.living.append(pod)
        return pod

    def node(number):
        pod = pods.Pod(network, node_manifest, f"node-{number}", paracord, keys)
        pod.start()
        watch.living.append(pod)
        return pod

    def end(pod):
        watch.living.remove(pod)
        code = pod.terminate()
        assert code == 0, f"{pod.name} ended with {code}"

    now, nodes = scheduler(0), [node(0), node(1)]
    watch.start()
    runs = folder / "runs"
    runs.write_text("")
    address = "tcp://my-paracord-scheduler.here.svc.cluster.local:7710"
    program = pods.start([client, address, str(keys), str(runs), str(TASKS)])

    def wait_for(count):
        while len(runs.read_text().splitlines()) < count:
            assert program.poll() in (None, 0), "the client has failed"
            time.sleep(0.02)

    wait_for(500)
    for number, old in enumerate(nodes):
        fresh = node(2 + number)
        end(old)
        nodes[number] = fresh
        wait_for(1200 + 700 * number)
    end(now)
    now = scheduler(1)
    wait_for(3000)
    end(nodes[0])  # and a pool that shrinks
    assert program.wait(120) == 0, "the client has failed"
    watch.over = True
    watch.join()
    assert not watch.failures, f"probes failed: {watch.failures}"
    times = collections.Counter(runs.read_text().split())
    again = [task for task, count in times.items() if count > 1]
    assert len(times) == TASKS, f"{TASKS - len(times)} tasks were lost"
    assert not again, f"tasks that had finished ran again: {again[:20]}"
    for pod in (now, nodes[1]):
        end(pod)
    print(f"{TASKS} tasks ran once each; 4 pods were replaced, 1 removed; {watch.asked} probes were answered")


def too_late(*_):
    raise AssertionError(f"not done after {LIMIT} s")


def main():
    why = pods.possible()
    try:
        helm = tools.helm() if why is None else None
    except tools.Missing as missing:
        why = f"no helm: {missing}"
    if why is not None:
        print(f"skipped: {why}")
        sys.exit(77)
    signal.signal(signal.SIGALRM, too_late)
    signal.alarm(LIMIT)
    with tempfile.TemporaryDirectory(dir=pathlib.Path(sys.argv[1]).parent) as folder:
        check(sys.argv[1], sys.argv[2], pathlib.Path(folder), helm)


main()
