"""Pods as the chart describes them, in network and mount namespaces of this machine."""
import atexit
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request

NETWORK = "10.231.9"


def run(*command):
    subprocess.run(command, check=True, capture_output=True, text=True)


def with_this_process():
    """In a child: it ends with its parent, however that ends."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def start(command, **options):
    """A process that ends with this one, and does not keep this one's output open."""
    options.setdefault("stdout", subprocess.DEVNULL)
    return subprocess.Popen(command, preexec_fn=with_this_process, **options)


def is_below(path, folder):
    return pathlib.Path(folder) in [pathlib.Path(path), *pathlib.Path(path).parents]


def build_folder(program):
    """The folder that the program was built in, with the libraries that it loads from there."""
    program = pathlib.Path(program).resolve()
    return next((folder for folder in program.parents if (folder / "CMakeCache.txt").exists()), program.parent)


def remove_empty(path):
    try:
        os.removedirs(path)
    except OSError:
        pass


def possible():
    """None, or why there can be no pods here."""
    for tool in ("ip", "nsenter", "unshare", "mount"):
        if shutil.which(tool) is None:
            return f"there is no {tool}"
    if os.geteuid() != 0:
        return "only root may make the namespaces"
    if subprocess.run(["unshare", "-n", "-m", "true"], check=False, capture_output=True).returncode != 0:
        return "namespaces may not be made here"
    return None


class Network:
    """A bridge in a namespace of its own, which this process enters: all pods hang on it."""

    def __init__(self, folder):
        os.unshare(os.CLONE_NEWNET | os.CLONE_NEWNS) if hasattr(os, "unshare") else _unshare()
        run("mount", "--make-rprivate", "/")
        run("ip", "link", "set", "up", "lo")
        run("ip", "link", "add", "pods", "type", "bridge")
        run("ip", "addr", "add", f"{NETWORK}.1/24", "dev", "pods")
        run("ip", "link", "set", "up", "pods")
        self.hosts = pathlib.Path(folder) / "hosts"
        self.names = {}
        self.hosts.write_text("127.0.0.1 localhost\n")
        run("mount", "--bind", str(self.hosts), "/etc/hosts")
        self.count = 1

    def name(self, name, address):
        """In place, so that pods see it through their mounts."""
        self.names[name] = address
        self.hosts.write_text("127.0.0.1 localhost\n" + "".join(f"{a} {n}\n" for n, a in self.names.items()))


def _unshare():
    newns, newnet = 0x00020000, 0x40000000
    if ctypes.CDLL(None, use_errno=True).unshare(newns | newnet) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


class Pod:
    """One container of a rendered manifest: its arguments, environment, volumes, probes and end."""

    def __init__(self, network, manifest, name, command, keys):
        self.spec = manifest["spec"]["template"]["spec"]
        self.container, = self.spec["containers"]
        network.count += 1
        self.address = f"{NETWORK}.{network.count}"
        self.name = name
        self.holder = start(["unshare", "-n", "-m", "sh", "-c", "echo there; exec sleep 1000000"],
                            stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout.readline() == "there\n"
        pid = str(self.holder.pid)
        link = f"pod{network.count}"
        run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", pid)
        run("ip", "link", "set", link, "master", "pods", "up")
        self.inside = ["nsenter", "-t", pid, "-n", "-m"]
        run(*self.inside, "ip", "addr", "add", f"{self.address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            run(*self.inside, "ip", "link", "set", "up", device)
        self._mount(keys, [build_folder(command), pathlib.Path(keys).resolve()])
        values = {"POD_NAME": name, "POD_IP": self.address}
        environment = dict(os.environ)
        for variable in self.container.get("env", []):
            known = {"metadata.name": name, "status.podIP": self.address}
            values[variable["name"]] = environment[variable["name"]] = variable.get("value") or known[
                variable["valueFrom"]["fieldRef"]["fieldPath"]]
        arguments = [self._expand(text, values) for text in self.container["args"]]
        self.command = command
        self.process = start([*self.inside, command, *arguments], env=environment, stderr=subprocess.PIPE, text=True)

    @staticmethod
    def _expand(text, values):
        for name, value in values.items():
            text = text.replace(f"$({name})", value)
        return text

    def _mount(self, keys, needed):
        """`needed`: folders that stay in sight, also where the pod has a volume of its own above them."""
        volumes = {volume["name"]: volume for volume in self.spec["volumes"]}
        for mount in self.container["volumeMounts"]:
            path, volume = mount["mountPath"], volumes[mount["name"]]
            # What the image has as empty folders. They go with this process.
            if not os.path.exists(path):
                os.makedirs(path)
                atexit.register(remove_empty, path)
            if "secret" in volume:
                self._mount_empty(path, [], needed)
                for item in volume["secret"]["items"]:
                    target = pathlib.PurePath(path) / item["path"]
                    run(*self.inside, "sh", "-c", 'mkdir -p "$(dirname "$1")" && cp "$0" "$1" && chmod 0400 "$1"',
                        str(pathlib.Path(keys) / item["key"]), str(target))
            else:
                size = volume["emptyDir"].get("sizeLimit", "1Gi").rstrip("i")
                self._mount_empty(path, ["-o", f"size={size}"], needed)

    def _mount_empty(self, path, options, needed):
        """Mounts an empty volume. What is needed below it is kept by a handle, and mounted there again."""
        hidden = [str(folder) for folder in needed if is_below(folder, path)]
        script = ""
        for number, folder in enumerate(hidden, 3):
            script += f'exec {number}< "${number}"; '
        script += 'mount -t tmpfs $1 tmpfs "$2"'
        for number, folder in enumerate(hidden, 3):
            script += f' && mkdir -p "${number}" && mount -c --bind "/proc/self/fd/{number}" "${number}"'
        run(*self.inside, "sh", "-c", script, "sh", " ".join(options), path, *hidden)

    def probe(self, kind):
        """The status that a probe gets; 0: no answer."""
        get = self.container[kind]["httpGet"]
        port, = (p["containerPort"] for p in self.container["ports"] if p["name"] == get["port"])
        try:
            return urllib.request.urlopen(f"http://{self.address}:{port}{get['path']}", timeout=5).status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def start(self):
        """Waits as long as the startup probe may fail, then until it is ready."""
        probe = self.container["startupProbe"]
        end = time.monotonic() + probe["failureThreshold"] * probe["periodSeconds"]
        while self.probe("startupProbe") != 200 or self.probe("readinessProbe") != 200:
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError(f"{self.name} does not start: {self.process.stderr.read()}")
            time.sleep(0.05)

    def terminate(self):
        """As the kubelet does: preStop, then SIGTERM, within the grace period. Returns the exit code."""
        end = time.monotonic() + self.spec["terminationGracePeriodSeconds"]
        hook = self.container.get("lifecycle", {}).get("preStop")
        if hook is not None:
            command = [self.command if word == "paracord" else word for word in hook["exec"]["command"]]
            done = subprocess.run([*self.inside, *command], capture_output=True, text=True, check=False,
                                  timeout=end - time.monotonic())
            if done.returncode != 0:
                raise AssertionError(f"preStop of {self.name}: {done.stderr}")
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(end - time.monotonic())
        self.remove()
        return code

    def remove(self):
        for process in (self.process, self.holder):
            process.kill()
            process.wait()
