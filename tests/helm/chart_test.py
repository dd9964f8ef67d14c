#!/usr/bin/env python3
"""The chart, rendered by the real helm. Ends with 77 where that cannot be had.

PARACORD_COMMAND names the command whose options and metrics the chart must agree with.
"""
import contextlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

import yaml

import tools
from metric_names import metric_names

CHART = tools.CHART
MODES = sorted(file.name.removesuffix("-values.yaml") for file in (CHART / "ci").glob("*-values.yaml"))
HELM = None


def helm(*arguments):
    return subprocess.run([HELM, *arguments], capture_output=True, text=True, check=False, timeout=60)


def api_versions(mode):
    first = (CHART / "ci" / f"{mode}-values.yaml").read_text().splitlines()[0]
    found = re.match(r"# api-versions: (.+)", first)
    return ["--api-versions", found[1]] if found else []


def template(mode="default", *more, check=True):
    run = helm("template", "my", str(CHART), "--namespace", "here", "-f", str(CHART / "ci" / f"{mode}-values.yaml"),
               *api_versions(mode), *more)
    if check and run.returncode != 0:
        raise AssertionError(run.stderr)
    return run


def manifests(mode="default", *more):
    return [one for one in yaml.safe_load_all(template(mode, *more).stdout) if one]


def of_kind(all_manifests, kind, name=""):
    return [one for one in all_manifests if one["kind"] == kind and name in one["metadata"]["name"]]


def pods(all_manifests):
    for one in all_manifests:
        if one["kind"] in ("Deployment", "Job"):
            yield one["metadata"]["name"], one["spec"]["template"]["spec"]
        elif one["kind"] == "Pod":
            yield one["metadata"]["name"], one["spec"]


def argument(container, name):
    return next((text.split("=", 1)[1] for text in container["args"] if text.startswith(f"--{name}=")), None)


class Chart(unittest.TestCase):
    def test_lint(self):
        for mode in MODES:
            with self.subTest(mode):
                # lint knows no api-versions: what needs them is rendered below.
                if api_versions(mode):
                    continue
                run = helm("lint", "--strict", str(CHART), "-f", str(CHART / "ci" / f"{mode}-values.yaml"))
                self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_every_mode_renders_what_kubernetes_knows(self):
        program = tools.types()
        for mode in MODES:
            with self.subTest(mode):
                start = time.monotonic()
                text = template(mode).stdout
                print(f"helm template {mode}: {time.monotonic() - start:.2f} s")
                run = subprocess.run([program], input=text, capture_output=True, text=True, check=False, timeout=60)
                self.assertEqual(run.returncode, 0, run.stderr)

    def test_the_readme_is_written_from_the_values(self):
        run = subprocess.run([sys.executable, str(tools.ROOT / "helm" / "readme.py"), "--check"], check=False,
                             capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)


class BadValues(unittest.TestCase):
    CASES = {
        "nonsense=1": "nonsense",
        "scheduler.replicas=3": "replicas",
        "pools.default.slotz=3": "slotz",
        "pools.Upper.slots=1": "Upper",
        "pools.scheduler.slots=1": "scheduler",
        "ipFamily=IPv5": "ipFamily",
        "ports.data=80": "data",
        "poolDefaults.drainSeconds=1": "drainSeconds",
        "image.pullPolicy=Sometimes": "pullPolicy",
        "poolDefaults.sharedMemory=lots": "sharedMemory",
        "poolDefaults.autoscaling.mode=both": "mode",
        "runAs.user=0": "user",
        "poolDefaults.sharedMemory=4Gi": "sharedMemory (4Gi) must be smaller than resources.limits.memory (4Gi)",
        "poolDefaults.sharedMemory=3800Mi": "leaves less than 64 MiB for each worker",
        "poolDefaults.workerMegabytes=4000": "together more than resources.limits.memory",
        "keys.existing.node=some": "name all three secrets",
        "monitoring.monitors=true": "need Prometheus' operator",
    }

    def test_are_refused_with_a_reason(self):
        for setting, words in self.CASES.items():
            with self.subTest(setting):
                run = template("default", "--set", setting, check=False)
                self.assertNotEqual(run.returncode, 0, setting)
                self.assertIn(words, run.stderr)

    def test_ways_of_scaling_exclude_each_other(self):
        for settings, words in ((("mode=hpa", "minReplicas=0"), "an HPA cannot scale to 0"),
                                (("mode=keda",), "autoscaling.prometheus is empty"),
                                (("mode=keda", "prometheus=http://p"), "which this cluster does not have"),
                                (("minReplicas=5", "maxReplicas=2"), "above maxReplicas")):
            with self.subTest(settings):
                more = [text for setting in settings for text in ("--set", f"poolDefaults.autoscaling.{setting}")]
                run = template("default", *more, check=False)
                self.assertNotEqual(run.returncode, 0)
                self.assertIn(words, run.stderr)
        for mode, there, not_there in (("hpa", "HorizontalPodAutoscaler", "ScaledObject"),
                                       ("keda", "ScaledObject", "HorizontalPodAutoscaler")):
            rendered = manifests(mode)
            self.assertTrue(of_kind(rendered, there))
            self.assertFalse(of_kind(rendered, not_there))
            for node in of_kind(rendered, "Deployment", "my-paracord-default"):
                self.assertNotIn("replicas", node["spec"])

    def test_keys_and_none_exclude_each_other(self):
        run = template("existing-keys", "--set", "keys.insecure=true", check=False)
        self.assertIn("exclude each other", run.stderr)


class Security(unittest.TestCase):
    def test_every_container_is_restricted(self):
        for mode in MODES:
            for name, pod in pods(manifests(mode)):
                with self.subTest(f"{mode}: {name}"):
                    self.assertTrue(pod["securityContext"]["runAsNonRoot"])
                    self.assertGreater(pod["securityContext"]["runAsUser"], 0)
                    self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
                    self.assertEqual(pod["automountServiceAccountToken"], "keys" in name)
                    for container in pod["containers"]:
                        context = container["securityContext"]
                        self.assertFalse(context["allowPrivilegeEscalation"])
                        self.assertTrue(context["readOnlyRootFilesystem"])
                        self.assertEqual(context["capabilities"], {"drop": ["ALL"]})
                        self.assertIn("memory", container["resources"]["limits"])

    def test_secrets_are_in_secrets_alone(self):
        for mode in MODES:
            rendered = manifests(mode)
            self.assertFalse(of_kind(rendered, "Secret"), "a secret would change with each rendering")
            for one in of_kind(rendered, "ConfigMap"):
                self.assertNotRegex(str(one), r"(?i)secret key|password|token")
            for _, pod in pods(rendered):
                for container in pod["containers"]:
                    for variable in container.get("env", []):
                        self.assertNotRegex(variable["name"], r"(?i)key|token|secret")

    def test_keys_lie_where_they_are_needed_and_nowhere_else(self):
        mounted = {name: {item["key"] for volume in pod["volumes"] if volume["name"] == "keys"
                          for item in volume["secret"]["items"]} for name, pod in pods(manifests("existing-keys"))}
        self.assertEqual(mounted["my-paracord-scheduler"], {"scheduler.secret", "node.public", "client.public"})
        self.assertEqual(mounted["my-paracord-default"], {"node.secret", "scheduler.public"})
        self.assertEqual(mounted["my-paracord-check"], {"client.secret", "scheduler.public"})

    def test_the_keys_job_may_touch_its_secrets_alone(self):
        role, = of_kind(manifests(), "Role")
        for rule in role["rules"]:
            self.assertEqual(rule["resources"], ["secrets"])
            if rule["verbs"] != ["create"]:
                self.assertEqual(len(rule["resourceNames"]), 3)
        self.assertFalse(of_kind(manifests("existing-keys"), "Role"))
        self.assertFalse(of_kind(manifests("insecure"), "Job"))

    def test_network_policies(self):
        rendered = manifests()
        names = {one["metadata"]["name"] for one in of_kind(rendered, "NetworkPolicy")}
        self.assertEqual(names, {"my-paracord-scheduler", "my-paracord-nodes", "my-paracord-keys"})
        nodes, = of_kind(rendered, "NetworkPolicy", "nodes")
        self.assertIn({"port": 53, "protocol": "UDP"}, nodes["spec"]["egress"][2]["ports"])
        self.assertIn("paracord.io/client", str(nodes["spec"]["ingress"]))
        job, = of_kind(rendered, "NetworkPolicy", "keys")
        self.assertIn({"port": 443, "protocol": "TCP"}, job["spec"]["egress"][0]["ports"])
        self.assertFalse(of_kind(manifests("insecure"), "NetworkPolicy"))


class Life(unittest.TestCase):
    def test_selectors_stay_across_an_upgrade(self):
        before = {one["metadata"]["name"]: one["spec"]["selector"] for one in of_kind(manifests("pools"), "Deployment")}
        after = {one["metadata"]["name"]: one["spec"]["selector"]
                 for one in of_kind(manifests("pools", "--set", "image.tag=9.9.9,poolDefaults.drainSeconds=60"), "Deployment")}
        self.assertEqual(before, after)
        for selector in before.values():
            self.assertNotIn("version", str(selector))

    def test_other_options_make_new_pods(self):
        def checksums(*more):
            return [one["spec"]["template"]["metadata"]["annotations"]["checksum/options"]
                    for one in of_kind(manifests("default", *more), "Deployment")]
        self.assertNotEqual(checksums(), checksums("--set", "scheduler.nodeLostAfter=20,poolDefaults.slots=1"))

    def test_probes_ask_the_process_itself(self):
        for name, pod in pods(manifests("pools")):
            if name.endswith("keys") or name.endswith("check"):
                continue
            container, = pod["containers"]
            self.assertEqual(container["livenessProbe"]["httpGet"], {"path": "/healthz", "port": "http"})
            self.assertEqual(container["readinessProbe"]["httpGet"], {"path": "/readyz", "port": "http"})
            self.assertIn("startupProbe", container)

    def test_the_drain_has_its_time(self):
        for mode in MODES:
            for one in of_kind(manifests(mode), "Deployment"):
                pod = one["spec"]["template"]["spec"]
                container, = pod["containers"]
                if one["metadata"]["name"].endswith("scheduler"):
                    self.assertEqual(one["spec"]["strategy"], {"type": "Recreate"})
                    continue
                limit = float(argument(container, "drain-limit"))
                command = container["lifecycle"]["preStop"]["exec"]["command"]
                self.assertEqual(command[:2], ["paracord", "drain"])
                waits = float(command[-1].split("=")[1])
                self.assertLess(limit, waits)
                self.assertLess(waits, pod["terminationGracePeriodSeconds"])

    def test_memory_is_shared_out(self):
        for one in of_kind(manifests("pools"), "Deployment"):
            container, = one["spec"]["template"]["spec"]["containers"]
            if container["name"] != "node":
                continue
            volume, = (v for v in one["spec"]["template"]["spec"]["volumes"] if v["name"] == "shm")
            units = {"Gi": 1024, "Mi": 1}
            mebibytes = lambda text: int(text[:-2]) * units[text[-2:]]
            shared = mebibytes(volume["emptyDir"]["sizeLimit"])
            limit = mebibytes(container["resources"]["limits"]["memory"])
            workers = int(argument(container, "worker-memory-megabytes")) * int(argument(container, "slots"))
            self.assertLess(float(argument(container, "store-megabytes")), shared)
            self.assertLessEqual(workers + shared + 256, limit)
            self.assertEqual(volume["emptyDir"]["medium"], "Memory")

    def test_addresses_are_of_the_family(self):
        for mode, any_address, loopback in (("default", "0.0.0.0:", "127.0.0.1:"), ("ipv6", "[::]:", "[::1]:"),
                                            ("dual-stack", "[::]:", "127.0.0.1:")):
            for one in of_kind(manifests(mode), "Deployment"):
                container, = one["spec"]["template"]["spec"]["containers"]
                self.assertTrue(argument(container, "http").startswith(any_address))
                if container["name"] == "node":
                    self.assertEqual(argument(container, "advertise"), "$(POD_IP)")
                    self.assertIn(loopback, str(container["lifecycle"]))


class Agreement(unittest.TestCase):
    """With the command itself."""

    def setUp(self):
        self.command = os.environ.get("PARACORD_COMMAND")
        if not self.command:
            self.skipTest("PARACORD_COMMAND is not set")

    def test_every_option_exists(self):
        options = {}
        for mode in MODES:
            for _, pod in pods(manifests(mode)):
                for container in pod["containers"]:
                    lists = [container["args"]]
                    with contextlib.suppress(KeyError):
                        lists.append(container["lifecycle"]["preStop"]["exec"]["command"][1:])
                    for command, *arguments in lists:
                        options.setdefault(command, set()).update(text.split("=")[0] for text in arguments)
        self.assertEqual(set(options), {"scheduler", "node", "keygen", "check", "drain"})
        for command, names in options.items():
            text = subprocess.run([self.command, command, "--help"], capture_output=True, text=True, check=True).stdout
            for name in names:
                self.assertRegex(text, rf"(?m)^\s*{name}\b", f"paracord {command}")

    def test_every_metric_is_served(self):
        wanted = metric_names(template("monitoring").stdout + template("keda").stdout + template("hpa").stdout)
        self.assertGreater(len(wanted), 15)
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as daemons:
            socket = f"ipc://{folder}/s"
            served = ""
            for arguments in (["scheduler", "--listen", socket], ["node", "--scheduler", socket, "--slots", "1",
                              "--data-listen", f"ipc://{folder}/d", "--cache-folder", folder]):
                daemon = subprocess.Popen([self.command, *arguments, "--http", "127.0.0.1:0"],
                                          stderr=subprocess.PIPE, text=True)
                daemons.callback(daemon.wait, 20)
                daemons.callback(daemon.terminate)
                url = next(line for line in daemon.stderr if "pages on" in line).split()[-1]
                served += urllib.request.urlopen(url + "/metrics", timeout=10).read().decode()
        names = set(re.findall(r"(?m)^# TYPE (\S+)", served))
        self.assertEqual(wanted - names, set())


def main():
    global HELM
    try:
        HELM = tools.helm()
        tools.types()
    except tools.Missing as why:
        print(f"skipped: no helm: {why}")
        sys.exit(77)
    unittest.main(verbosity=1)


main()
