"""Tools that are built from published modules where a Go toolchain is there, and kept."""
import os
import pathlib
import shutil
import subprocess

HELM = "helm.sh/helm/v3/cmd/helm@v3.16.4"
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CHART = ROOT / "helm" / "paracord"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "paracord-tools"


class Missing(Exception):
    """What is not there, and cannot be made."""


def go(*arguments, **options):
    if shutil.which("go") is None:
        raise Missing("there is no Go toolchain to build it")
    CACHE.mkdir(parents=True, exist_ok=True)
    environment = dict(os.environ, GOBIN=str(CACHE), GOFLAGS="-mod=mod")
    run = subprocess.run(["go", *arguments], capture_output=True, text=True, check=False, env=environment, **options)
    if run.returncode != 0:
        raise Missing(f"go {' '.join(arguments)} failed: {run.stderr[-500:]}")


def helm():
    """The path of helm: the system's, or one that is built from its module (some minutes, once)."""
    if found := shutil.which("helm"):
        return found
    if not (CACHE / "helm").exists():
        print("building helm from its module; this takes some minutes, once", flush=True)
        go("install", HELM, cwd="/")
    return str(CACHE / "helm")


def types():
    """The path of the program that holds manifests against Kubernetes' types."""
    sources = HERE / "types"
    program = CACHE / "paracord-types"
    newest = max(file.stat().st_mtime for file in sources.iterdir())
    if not program.exists() or program.stat().st_mtime < newest:
        print("building the check of types; this takes a minute, once", flush=True)
        go("build", "-o", str(program), ".", cwd=sources)
    return str(program)
