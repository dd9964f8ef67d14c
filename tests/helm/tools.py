"""Tools that are built from published modules where a Go toolchain is there, and kept."""
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

try:
    import yaml  # also for those that import this
except ImportError:
    print("skipped: there is no YAML for Python; its package is python3-yaml")
    sys.exit(77)

HELM = "v3.16.4"
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CHART = ROOT / "helm" / "paracord"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "paracord-tools"


class Missing(Exception):
    """What is not there, and cannot be made."""


def go(*arguments, mod="readonly", **options):
    if shutil.which("go") is None:
        raise Missing("there is no Go toolchain to build it")
    environment = dict(os.environ, GOBIN=str(options.pop("into", CACHE)), GOFLAGS=f"-mod={mod}")
    return subprocess.run(["nice", "-n", "19", "go", *arguments], capture_output=True, text=True, check=False,
                          env=environment, **options)


def helm():
    """The path of helm: the system's, or one that is built from its module (some minutes, once)."""
    if found := shutil.which("helm"):
        return found
    folder = CACHE / f"helm-{HELM}"
    if not (folder / "helm").exists():
        print("building helm from its module; this takes some minutes, once", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        run = go("install", f"helm.sh/helm/v3/cmd/helm@{HELM}", mod="mod", into=folder, cwd="/")
        if run.returncode != 0:
            raise Missing(f"helm {HELM} could not be built: {run.stderr[-500:]}")
    return str(folder / "helm")


def types():
    """The path of the program that holds manifests against Kubernetes' types."""
    sources = HERE / "types"
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(sources.iterdir()))).hexdigest()[:16]
    program = CACHE / f"types-{digest}"
    if not program.exists():
        print("building the check of types; this takes a minute, once", flush=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        modules = go("mod", "download", cwd=sources)
        if modules.returncode != 0:
            raise Missing(f"Kubernetes' types could not be had: {modules.stderr[-500:]}")
        # From here on, what fails is our own.
        build = go("build", "-o", f"{program}.new", ".", cwd=sources)
        if build.returncode != 0:
            raise RuntimeError(f"the check of types does not build: {build.stderr}")
        os.replace(f"{program}.new", program)
    return str(program)
