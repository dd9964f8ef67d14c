#!/usr/bin/env python3
"""The chart, rendered by the real helm. Ends with 77 where that cannot be had.

PARACORD_COMMAND names the command whose options and metrics the chart must agree with.
"""
import contextlib
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

import tools
from metric_names import metric_names
from tools import yaml

CHART = tools.CHART
MODES = sorted(file.name.removesuffix("-values.yaml") for file in (CHART / "ci").glob("*-values.yaml"))
HELM = None
# helm built from its module believes in an old one.
KUBERNETES = "1.31.0"


def helm(*arguments):
    return subprocess.run([HELM, *arguments], capture_output=True, text=True, check=False, timeout=60)


def api_versions(mode):
    first = (CHART / "ci" / f"{mode}-values.yaml").read_text().splitlines()[0]
    found = re.match(r"# api-versions: (.+)", first)
    return ["--api-versions", found[1]] if found else []


def template(mode="default", *more, check=True):
    run = helm("template", "my", str(CHART), "--namespace", "here", "-f", str(CHART / "ci" / f"{mode}-values.yaml"),
               "--kube-version", KUBERNETES, *api_versions(mode), *more)
    if check and run.returncode != 0:
        raise AssertionError(run.stderr)
    return run


def manifests(mode="default", *more):
    return [one for one in yaml.safe_load_all(template(mode, *more).stdout) if one]


def rendered_with(values, *more):
    """The manifests with a text of values in a file, where YAML makes floats of numbers, as --set does not."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(values)
        file.flush()
        return manifests("default", "-f", file.name, *more)


def check_types(text):
    """What Kubernetes' types say against manifests; empty: nothing."""
    run = subprocess.run([tools.types()], input=text, capture_output=True, text=True, check=False, timeout=60)
    return run.stderr if run.returncode != 0 else ""


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
                    print(f"helm lint {mode}: left out, since lint knows no api-versions")
                    continue
                run = helm("lint", "--strict", "--kube-version", KUBERNETES, str(CHART), "-f", str(CHART / "ci" / f"{mode}-values.yaml"))
                self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_every_mode_renders_what_kubernetes_knows(self):
        for mode in MODES:
            with self.subTest(mode):
                start = time.monotonic()
                text = template(mode).stdout
                print(f"helm template {mode}: {time.monotonic() - start:.2f} s")
                self.assertEqual(check_types(text), "")

    def test_types_refuse_what_kubernetes_does(self):
        text = template().stdout
        for wrong, words in ((text.replace("replicas: 1", "replicas: one"), "int32"),
                             (text.replace("replicas: 1", "replica: 1"), "unknown field"),
                             (text.replace("runAsUser: 10001", "runAsUser: 1.0e+09x"), "int64"),
                             (text.replace('version: "0.1.0"', 'version: "-0.1.0"'), "a valid label must"),
                             (text.replace("kind: PodDisruptionBudget", "kind: PodDisruption"), "unknown kind")):
            with self.subTest(words):
                self.assertNotEqual(wrong, text)
                self.assertIn(words, check_types(wrong))

    def test_names_are_valid_for_every_release(self):
        for release in ("a.b", "paracord", "x" * 53):
            with self.subTest(release):
                run = helm("template", release, str(CHART), "--kube-version", KUBERNETES, "--set",
                           f"image.tag={'t' * 100},pools.a-pool-as-long-s.replicas=1")
                self.assertEqual(check_types(run.stdout), "", run.stderr)
        run = helm("template", "1st", str(CHART), "--kube-version", KUBERNETES)
        self.assertIn('the release name "1st" begins with a digit', run.stderr)

    def test_numbers_of_files_are_what_they_were(self):
        scheduler, node = of_kind(manifests("numbers"), "Deployment")
        if scheduler["metadata"]["name"] != "my-paracord-scheduler":
            scheduler, node = node, scheduler
        for one in (scheduler, node):
            pod = one["spec"]["template"]["spec"]
            self.assertEqual(pod["securityContext"]["runAsUser"], 1000650000)
            self.assertRegex(pod["containers"][0]["image"], r"^paracord@sha256:[0-9a-f]{64}$")
        container, = node["spec"]["template"]["spec"]["containers"]
        self.assertEqual(argument(container, "drain-limit"), "1000000")
        self.assertEqual(argument(container, "worker-memory-megabytes"), "1408")
        self.assertEqual(argument(container, "store-megabytes"), "768")

    def test_an_old_kubernetes_is_refused(self):
        run = template("default", "--kube-version", "1.24.0", check=False)
        self.assertIn("requires kubeVersion", run.stderr)

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
        "poolDefaults.sharedMemory=1Ki": "sharedMemory (1Ki) is less than 16Mi",
        "poolDefaults.programs=1Ki": "programs (1Ki) is less than 16Mi",
        "poolDefaults.workerMegabytes=4000": "together more than resources.limits.memory",
        # 2 × 1536 + 1024 is the whole limit, with nothing for the agent.
        "poolDefaults.workerMegabytes=1536": "workerMegabytes (1536) for each of 2 slots, sharedMemory (1Gi) and the agent (256 MiB)",
        "poolDefaults.resources.limits.cpu=0": "needs slots, or resources.limits.cpu above 0",
        "poolDefaults.resources.limits.memory=null": "has no resources.limits.memory",
        "poolDefaults.maxUnavailable=101%": "maxUnavailable",
        "poolDefaults.env[0].name=POD_IP": "env",
        "poolDefaults.volumes[0].name=shm": "volumes",
        "poolDefaults.podLabels.paracord\\.io/pool=other": "podLabels",
        "ports.http=7710": "ports: control (7710), data (7711) and http (7710) must differ",
        "scheduler.nodeLostAfter=2": "scheduler.nodeLostAfter (2) is shorter than scheduler.suspectAfter (3)",
        "pools.default.hostNetwork=true": "networkPolicy.hosts",
        "pools.default.hostNetwork=true,pools.default.maxUnavailable=0": "holds the machine's ports",
        "image.digest=latest": "digest",
        "networkPolicy.dnsPorts[0]=0": "dnsPorts",
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
                                (("mode=hpa", "cooldownSeconds=4000"), "Kubernetes allows 3600 at the most"),
                                (("minReplicas=5", "maxReplicas=2"), "(5) is above maxReplicas (2)")):
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

    def test_clients_from_elsewhere_reach_nodes_through_the_relay(self):
        for mode, port in (("pools", 7712), ("node-port", 30712)):
            rendered = manifests(mode)
            scheduler = dict(pods(rendered))["my-paracord-scheduler"]["containers"][0]
            self.assertIn("--relay-listen=tcp://0.0.0.0:7712", scheduler["args"])
            self.assertIn(f"--relay-advertise=tcp://*:{port}", scheduler["args"])
            self.assertIn({"name": "relay", "containerPort": 7712}, scheduler["ports"])
            service, = of_kind(rendered, "Service", "clients")
            relay, = (one for one in service["spec"]["ports"] if one["name"] == "relay")
            self.assertEqual(relay.get("nodePort", relay["port"]), port)
            policy, = of_kind(rendered, "NetworkPolicy", "scheduler")
            self.assertIn({"port": "relay", "protocol": "TCP"}, policy["spec"]["ingress"][0]["ports"])
            self.assertEqual(policy["spec"]["egress"][0]["ports"], [{"port": 7711, "protocol": "TCP"}])
            nodes, = of_kind(rendered, "NetworkPolicy", "nodes")
            self.assertIn("scheduler", str(nodes["spec"]["ingress"][0]["from"]))
        rendered = manifests()
        self.assertIn("--relay-listen=none", dict(pods(rendered))["my-paracord-scheduler"]["containers"][0]["args"])
        policy, = of_kind(rendered, "NetworkPolicy", "scheduler")
        self.assertEqual(policy["spec"]["egress"], [])

    def test_policies_let_in_the_check_and_the_machines_of_nodes(self):
        mode = "pools"  # with clients of its own, and a pool with hostNetwork
        check, = of_kind(manifests(mode), "Pod", "check")
        for name in ("scheduler", "nodes"):
            policy, = of_kind(manifests(mode), "NetworkPolicy", name)
            work, metrics = policy["spec"]["ingress"]
            self.assertIn({"ipBlock": {"cidr": "10.0.0.0/8"}}, work["from"])
            self.assertIn({"ipBlock": {"cidr": "10.0.0.0/16"}}, work["from"])
            self.assertTrue(any(peer["podSelector"]["matchLabels"].items() <= check["metadata"]["labels"].items()
                                for peer in work["from"] if "podSelector" in peer))
            self.assertIn("namespaceSelector", metrics["from"][0])
        self.assertIn({"ipBlock": {"cidr": "10.0.0.0/16"}}, policy["spec"]["egress"][1]["to"])
        job, = of_kind(rendered_with("networkPolicy: {apiPorts: [16443], dnsPorts: [5353]}"), "NetworkPolicy", "keys")
        ports = {port["port"] for rule in job["spec"]["egress"] for port in rule["ports"]}
        self.assertEqual(ports, {16443, 5353})


class Life(unittest.TestCase):
    def test_selectors_stay_across_an_upgrade(self):
        before = {one["metadata"]["name"]: one["spec"]["selector"] for one in of_kind(manifests("pools"), "Deployment")}
        after = {one["metadata"]["name"]: one["spec"]["selector"]
                 for one in of_kind(manifests("pools", "--set", "image.tag=9.9.9,poolDefaults.drainSeconds=60"), "Deployment")}
        self.assertEqual(before, after)
        for selector in before.values():
            self.assertNotIn("version", str(selector))

    def test_pods_are_replaced_for_what_concerns_them_alone(self):
        """A new pod is a drain of the old one, so what does not concern a pod must not change its template."""
        def templates(*settings):
            more = [text for setting in settings for text in ("--set", setting)]
            return {one["metadata"]["name"].removeprefix("my-paracord-"): one["spec"]["template"]
                    for one in of_kind(manifests("default", "--api-versions", "keda.sh/v1alpha1",
                                                 "--api-versions", "monitoring.coreos.com/v1", *more), "Deployment")}

        def replaced(*settings):
            now = templates(*settings)
            return {name for name, template in templates().items() if template != now[name]}

        for setting in ("poolDefaults.replicas=9", "poolDefaults.autoscaling.mode=hpa", "poolDefaults.maxUnavailable=2",
                        "scheduler.maxUnavailable=0", "test.tasks=5",
                        "keys.job.resources.limits.memory=99Mi", "monitoring.monitors=true", "monitoring.rules=true",
                        "networkPolicy.enabled=false", "pools.more.slots=1"):
            self.assertEqual(replaced(setting), set(), setting)
        for setting, names in (("scheduler.nodeLostAfter=20", {"scheduler"}),
                               ("scheduler.service.type=LoadBalancer", {"scheduler"}), ("poolDefaults.slots=1", {"default"}),
                               ("image.tag=9.9.9", {"scheduler", "default"}), ("keys.revision=2", {"scheduler", "default"})):
            self.assertEqual(replaced(setting), names, setting)
        chart = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / "paracord"
        shutil.copytree(CHART, chart)
        about = chart / "Chart.yaml"
        about.write_text(about.read_text().replace("\nversion: 0.1.0", "\nversion: 0.1.1+build"))
        run = helm("template", "my", str(chart), "--namespace", "here", "--kube-version", KUBERNETES)
        newer = [one for one in yaml.safe_load_all(run.stdout) if one]
        self.assertEqual(newer[0]["metadata"]["labels"]["helm.sh/chart"], "paracord-0.1.1_build")
        self.assertEqual({one["metadata"]["name"].removeprefix("my-paracord-"): one["spec"]["template"]
                          for one in of_kind(newer, "Deployment")}, templates())

    def test_pools_can_be_left_out(self):
        names = {one["metadata"]["name"] for one in
                 of_kind(rendered_with("pools: {default: null, gpu: {slots: 1}, plain: }"), "Deployment")}
        self.assertEqual(names, {"my-paracord-scheduler", "my-paracord-gpu", "my-paracord-plain"})

    def test_a_pool_overrides_with_zero_and_false(self):
        node, = of_kind(rendered_with("poolDefaults: {hostNetwork: true, replicas: 3}\n"
                                      "pools: {default: {hostNetwork: false, replicas: 0}}"), "Deployment", "default")
        self.assertEqual(node["spec"]["replicas"], 0)
        self.assertNotIn("hostNetwork", node["spec"]["template"]["spec"])
        scaled, = of_kind(manifests("keda"), "ScaledObject")
        self.assertEqual(scaled["spec"]["minReplicaCount"], 0)

    def test_pools_have_what_is_theirs(self):
        rendered = manifests("pools")
        gpu, = of_kind(rendered, "Deployment", "gpu")
        pod = gpu["spec"]["template"]["spec"]
        container, = pod["containers"]
        self.assertEqual(container["resources"]["limits"]["nvidia.com/gpu"], 1)
        self.assertEqual((pod["runtimeClassName"], pod["priorityClassName"]), ("nvidia", "high"))
        self.assertEqual((pod["hostNetwork"], pod["dnsPolicy"]), (True, "ClusterFirstWithHostNet"))
        self.assertIn({"name": "data", "mountPath": "/data"}, container["volumeMounts"])
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        self.assertEqual(volumes["data"]["persistentVolumeClaim"], {"claimName": "data"})
        self.assertEqual(volumes["spill"]["ephemeral"]["volumeClaimTemplate"]["spec"]["storageClassName"], "fast")
        spot, = of_kind(rendered, "Deployment", "spot")
        self.assertEqual(spot["spec"]["template"]["spec"]["nodeSelector"], {"lifecycle": "spot"})
        self.assertEqual(spot["spec"]["template"]["metadata"]["labels"]["team"], "physics")
        budgets = {one["metadata"]["name"]: one["spec"]["maxUnavailable"] for one in of_kind(rendered, "PodDisruptionBudget")}
        self.assertEqual(budgets, {"my-paracord-scheduler": 1, "my-paracord-default": 1, "my-paracord-spot": "50%",
                                   "my-paracord-gpu": 1})

    def test_probes_ask_the_process_itself(self):
        for name, pod in pods(manifests("pools")):
            if name.endswith("keys") or name.endswith("check"):
                continue
            container, = pod["containers"]
            self.assertEqual(container["livenessProbe"]["httpGet"], {"path": "/healthz", "port": "http"})
            self.assertEqual(container["readinessProbe"]["httpGet"], {"path": "/readyz", "port": "http"})
            self.assertEqual(container["startupProbe"]["httpGet"], {"path": "/healthz", "port": "http"})
            self.assertIn({"name": "http", "containerPort": 7780}, container["ports"])

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


class Documentation(unittest.TestCase):
    """What the pages say to type is rendered."""
    PAGES = [tools.ROOT / "docs" / name for name in ("helm.md", "tutorial.md", "operations.md")]
    APIS = ["--kube-version", KUBERNETES, "--api-versions", "keda.sh/v1alpha1", "--api-versions", "monitoring.coreos.com/v1"]

    def blocks(self, language):
        for page in self.PAGES:
            if page.exists():
                yield from re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.S)

    def test_commands(self):
        count = 0
        for block in self.blocks("sh"):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                if words[:1] != ["helm"] or words[1] not in ("install", "upgrade"):
                    continue
                arguments = [str(CHART) if word == "helm/paracord" else word for word in words[2:]
                             if word not in ("--install", "--reuse-values")]
                run = helm("template", *arguments, *self.APIS)
                self.assertEqual(run.returncode, 0, f"{line}: {run.stderr}")
                count += 1
        self.assertGreater(count, 3)

    def test_values_and_manifests(self):
        count = 0
        for block in self.blocks("yaml"):
            parsed = yaml.safe_load(block)
            if isinstance(parsed, list):
                continue  # rules of Prometheus
            if "kind" in parsed:
                self.assertEqual(check_types(block), "")
            else:
                self.assertEqual(check_types(yaml.safe_dump_all(rendered_with(block, *self.APIS))), "")
            count += 1
        self.assertGreater(count, 3)


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
                daemons.callback(daemon.stderr.close)
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
