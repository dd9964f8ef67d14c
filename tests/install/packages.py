#!/usr/bin/env python3
"""Makes the Debian packages and looks into them: names, versions, dependencies, what is where.

Usage: packages.py BUILD_FOLDER SOURCE_FOLDER WORK_FOLDER COMPILER VERSION; exits with 77 where a tool is missing.
Leaves the packages in WORK_FOLDER/packages, and WORK_FOLDER/quickstart, a program built against what is in them.
"""

import pathlib
import re
import shutil
import subprocess
import sys


def output(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


def field(deb, name):
    return output("dpkg-deb", "-f", str(deb), name).strip()


def check(holds, what):
    if not holds:
        sys.exit(f"packages: {what}")


def check_control(runtime, dev, version):
    for deb in (runtime, dev):
        check(field(deb, "Version") == version, f"{deb.name}: the version is not {version}")
    depends = field(runtime, "Depends")
    for library in ("libc6", "libstdc++6", "libzmq5", "libcapnp"):
        check(library in depends, f"{runtime.name} does not depend on {library}: {depends}")
    check("paracord" not in depends, f"{runtime.name} depends on itself: {depends}")
    check(f"paracord (= {version})" in field(dev, "Depends"), f"{dev.name} does not belong to its {runtime.name}")


def check_files(root, dev_root, version, build):
    """`root` has the files of the first package, `dev_root` those of the second."""
    major, minor, _ = version.split(".")
    soversion = f"0.{minor}" if major == "0" else major
    libraries = [path for path in root.rglob("libparacord_*") if not path.is_symlink()]
    check(len(libraries) >= 10, f"only {len(libraries)} libraries")
    for library in libraries:
        name = library.name.split(".so")[0]
        check(library.name == f"{name}.so.{version}", f"{library.name}: not lib….so.{version}")
        headers = output("objdump", "-p", str(library))
        check(f"SONAME               {name}.so.{soversion}\n" in headers, f"{library.name}: not {name}.so.{soversion}")
    for path in [*libraries, *(root / "usr/bin").iterdir()]:
        runpath = re.findall(r"(?:RUNPATH|RPATH)\s+(\S+)", output("objdump", "-p", str(path)))
        check(all(entry.startswith("$ORIGIN") for entry in runpath), f"{path.name}: looks in {runpath}")
    check(not list(root.rglob("*.h")) and not list(root.rglob("*.so")), "files for developers in the first package")
    check({path.name for path in (root / "usr/bin").iterdir()} == {"paracord", "paracord-worker"}, "other commands")
    names = {path.name for path in dev_root.rglob("*")}
    for name in ("paracord-config.cmake", "paracord.pc", "paracord.h", "libparacord_core.so"):
        check(name in names, f"no {name} in the second package")
    for text in [*dev_root.rglob("*.cmake"), *dev_root.rglob("*.pc")]:
        check(str(build) not in text.read_text(), f"{text.name} names the build folder")


def build_program(prefix, source, work, compiler):
    """A project outside, by find_package, against the packages' files."""
    project = work / "project"
    project.mkdir()
    shutil.copy(source / "examples/quickstart.cc", project)
    (project / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(outside LANGUAGES CXX)\n"
        "find_package(paracord REQUIRED COMPONENTS core backend_threads backend_processes)\n"
        "add_executable(quickstart quickstart.cc)\n"
        "target_link_libraries(quickstart PRIVATE paracord::paracord)\n"
        "install(TARGETS quickstart DESTINATION .)\n")
    subprocess.run(["cmake", "-S", project, "-B", project / "build", "-G", "Ninja", f"-DCMAKE_CXX_COMPILER={compiler}",
                    f"-DCMAKE_PREFIX_PATH={prefix}/usr"], check=True)
    found = (project / "build/CMakeCache.txt").read_text()
    check(f"paracord_DIR:PATH={prefix}" in found, "find_package has found another Paracord")
    subprocess.run(["cmake", "--build", project / "build"], check=True)
    subprocess.run([project / "build/quickstart"], check=True)
    # Without the paths of this build: what it needs is to be found where packages put it.
    subprocess.run(["cmake", "--install", project / "build", "--prefix", work], check=True)


def main():
    build, source, work = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
    compiler, version = sys.argv[4:6]
    for tool in ("cpack", "dpkg-deb", "dpkg-shlibdeps", "file", "objdump"):
        if shutil.which(tool) is None:
            print(f"skipped: there is no {tool} here (Debian: cmake, dpkg-dev, file, binutils)")
            return 77
    shutil.rmtree(work, ignore_errors=True)
    packages, prefix = work / "packages", work / "prefix"
    subprocess.run(["cpack", "--config", build / "CPackConfig.cmake", "-B", packages], check=True, cwd=build)
    architecture = output("dpkg", "--print-architecture").strip()
    runtime, dev = (packages / f"{name}_{version}_{architecture}.deb" for name in ("paracord", "paracord-dev"))
    check(runtime.exists() and dev.exists(), f"cpack made {[path.name for path in packages.glob('*.deb')]}")
    roots = {}
    for deb in (runtime, dev):
        roots[deb] = work / deb.name.split("_")[0]
        for to in (roots[deb], prefix):
            subprocess.run(["dpkg-deb", "-x", deb, to], check=True)
    check_control(runtime, dev, version)
    check_files(roots[runtime], roots[dev], version, build)
    help_text = output(str(prefix / "usr/bin/paracord"), "--help")
    check("scheduler" in help_text and "node" in help_text, f"paracord --help says: {help_text}")
    build_program(prefix, source, work, compiler)
    print("packages: right")
    return 0


if __name__ == "__main__":
    sys.exit(main())
