"""Images by buildah and containers by runc, without a daemon and without anything but a folder of this test's."""

import json
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "install"))
import debian_root  # noqa: E402

Unavailable = debian_root.Unavailable
BASE = "localhost/debian-bookworm"


class Images:
    """Threads: one. Owns: all that is in `folder`; images stay there for the next run."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        for tool in ("buildah", "runc"):
            if shutil.which(tool) is None and shutil.which(tool, path="/usr/sbin:/sbin") is None:
                raise Unavailable(f"there is no {tool} here (Debian: {tool})")
        self.made = []
        self.driver = self._choose_driver()
        if self._run("images", "-q", BASE, check=False).returncode != 0:
            self._make_base()

    def _buildah(self, driver):
        return ["buildah", "--root", str(self.folder / driver), "--runroot", str(self.folder / (driver + "-run")),
                "--storage-driver", driver]

    def _choose_driver(self):
        for driver in ("overlay", "vfs"):  # the second one copies, and works everywhere
            tried = subprocess.run([*self._buildah(driver), "from", "scratch"], capture_output=True, text=True)
            if tried.returncode == 0:
                subprocess.run([*self._buildah(driver), "rm", tried.stdout.strip()], check=True, capture_output=True)
                return driver
        raise Unavailable(f"buildah cannot keep images here: {tried.stderr.strip()}")

    def _run(self, *command, check=True):
        result = subprocess.run([*self._buildah(self.driver), *map(str, command)], capture_output=True, text=True)
        if check and result.returncode != 0:
            raise SystemExit(f"buildah {' '.join(map(str, command))} failed:\n{result.stdout}{result.stderr}")
        return result

    def _make_base(self):
        root = debian_root.make(self.folder / "roots")
        container = self._run("from", "scratch").stdout.strip()
        self._run("copy", "-q", container, f"{root}/", "/")
        self._run("commit", "-q", container, BASE)
        self._run("rm", container)

    def build(self, tag, dockerfile, context, *options):
        """Builds an image, its output on ours."""
        command = [*self._buildah(self.driver), "build", "--layers", "--isolation", "chroot", "-f", str(dockerfile), "-t",
                   tag, *options, str(context)]
        if subprocess.run(command).returncode != 0:
            raise SystemExit(f"the image {tag} cannot be built")

    def config(self, tag):
        return json.loads(self._run("inspect", "--type", "image", tag).stdout)["OCIv1"]["config"]

    def root(self, tag):
        """The files of an image, in a folder."""
        container = self._run("from", tag).stdout.strip()
        self.made.append(container)
        return self._run("mount", container).stdout.strip()

    def close(self):
        for container in self.made:
            self._run("umount", container, check=False)
            self._run("rm", container, check=False)


class Container:
    """A process in an image, as a careful operator runs it: nothing writable but volumes, no capabilities, the image's
    user. It shares the network of this machine."""

    def __init__(self, folder, name, root, config, arguments, environment=(), mounts=(), entrypoint=None):
        self.name = f"paracord-test-{name}"
        self.state = ["runc", "--root", str(pathlib.Path(folder) / "runc")]
        bundle = pathlib.Path(folder) / "bundles" / name
        shutil.rmtree(bundle, ignore_errors=True)
        bundle.mkdir(parents=True)
        user, _, group = config["User"].partition(":")
        subprocess.run(["runc", "spec"], cwd=bundle, check=True)
        spec = json.loads((bundle / "config.json").read_text())
        spec["root"] = {"path": root, "readonly": True}
        spec["hostname"] = name
        spec["process"].update(
            terminal=False, args=(entrypoint or config["Entrypoint"]) + list(arguments), cwd=config.get("WorkingDir", "/"),
            user={"uid": int(user), "gid": int(group)}, env=[*config["Env"], *environment], capabilities={},
            noNewPrivileges=True)
        spec["linux"]["namespaces"] = [n for n in spec["linux"]["namespaces"] if n["type"] not in ("network", "cgroup")]
        spec["linux"].pop("resources", None)
        spec["mounts"] = [m for m in spec["mounts"] if not m["destination"].startswith("/sys")]
        for volume in config.get("Volumes", {}):
            spec["mounts"].append({"destination": volume, "type": "tmpfs", "source": "tmpfs",
                                   "options": ["nosuid", "nodev", "mode=0700", f"uid={user}", f"gid={group}"]})
        for source, destination, mode in mounts:
            spec["mounts"].append({"destination": destination, "type": "bind", "source": str(source),
                                   "options": ["bind", mode]})
        (bundle / "config.json").write_text(json.dumps(spec))
        self.process = subprocess.Popen([*self.state, "run", "--bundle", str(bundle), self.name], text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def wait(self, timeout=120):
        """(exit code, output)"""
        try:
            output, _ = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            output, _ = self.process.communicate()
            raise SystemExit(f"{self.name} did not end; its output:\n{output}") from None
        return self.process.returncode, output

    def terminate(self):
        subprocess.run([*self.state, "kill", self.name, "TERM"], check=True)

    def kill(self):
        subprocess.run([*self.state, "delete", "--force", self.name], capture_output=True)
