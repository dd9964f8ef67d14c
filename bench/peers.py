"""Measures the Python peers of `scripts/bench`: prints `name<TAB>value` lines.

A name may come several times; the reader takes the median. Usage: peers.py processes|memmap|cache|persist [FOLDER_ON_DISK]
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor

import joblib
import numpy
from joblib import Parallel, delayed

WORKERS = 2
MANY, FEW = 100_000, 10_000
GIB = 1 << 30
ARRAY_ITEMS = GIB // 8
RESULT_ITEMS = ARRAY_ITEMS // 2


def trivial(x):
    return x


def ends_of(array):
    return array[0] + array[-1]


def make_result(value):
    return numpy.full(RESULT_ITEMS, float(value))


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def say(name, value):
    print(f"{name}\t{value:.6g}", flush=True)


def measure(name, work, scale, runs=3, warm_up=True):
    if warm_up:
        work()
    for _ in range(runs):
        say(name, seconds(work) * scale)


def measure_joblib(name):
    def tasks(count):
        return lambda: parallel(delayed(trivial)(i) for i in range(count))

    with Parallel(n_jobs=WORKERS, backend=name) as parallel:
        measure(f"{name} auto us", tasks(MANY), 1e6 / MANY)
        measure(f"{name} warm us", tasks(2), 1e6, 15)
    with Parallel(n_jobs=WORKERS, backend=name, batch_size=1) as parallel:
        measure(f"{name} single us", tasks(FEW), 1e6 / FEW, 1, False)


def measure_pool():
    with multiprocessing.get_context("fork").Pool(WORKERS) as pool:
        measure("Pool auto us", lambda: pool.map(trivial, range(MANY)), 1e6 / MANY, 5)
        measure("Pool single us", lambda: pool.map(trivial, range(FEW), chunksize=1), 1e6 / FEW)
        measure("Pool warm us", lambda: pool.map(trivial, range(2)), 1e6, 50)


def measure_arrays():
    with Parallel(n_jobs=WORKERS, backend="loky") as parallel:
        parallel(delayed(trivial)(i) for i in range(2))
        for run in range(4):
            array = numpy.full(ARRAY_ITEMS, float(run))
            name = "loky fresh array GiB/s" if run == 0 else "loky next array GiB/s"
            say(name, 1 / seconds(lambda: parallel(delayed(ends_of)(array) for _ in range(2))))
        for run in range(2):
            name = "loky first results GiB/s" if run == 0 else "loky next results GiB/s"
            say(name, 1 / seconds(lambda: parallel(delayed(make_result)(i) for i in range(2))))


def value_of(kib):
    return MADE.setdefault(kib, numpy.ones(kib * 128)).copy()


def last_of(value):
    return value[-1]


# Arguments and results by value, in the sizes and words of values_bench.cc.
MADE = {}
SIZES = {8: "8 KiB", 32: "32 KiB", 128: "128 KiB", 512: "512 KiB", 1024: "1 MiB", 2048: "2 MiB"}
BYTES_OF_CALL = 32 << 20


def measure_values(name, call, runs=3):
    """`call(function, inputs)` runs the tasks and returns when all results are here."""
    for kib, size in SIZES.items():
        values = [value_of(kib) for _ in range(BYTES_OF_CALL // (kib << 10))]
        for direction, function, inputs in (("arguments", last_of, values),
                                            ("results", value_of, [kib] * len(values))):
            call(function, inputs[:2])
            for _ in range(runs):
                taken = seconds(lambda: call(function, inputs))
                say(f"{name} {direction} {size}", BYTES_OF_CALL / GIB / taken)


def measure_values_of_loky():
    with Parallel(n_jobs=WORKERS, backend="loky", max_nbytes=None) as parallel:
        measure_values("loky", lambda function, inputs: parallel(delayed(function)(i) for i in inputs))


def cold_loky():
    return seconds(lambda: Parallel(n_jobs=WORKERS)(delayed(trivial)(i) for i in range(2)))


def cold_executor():
    def work():
        with ProcessPoolExecutor(WORKERS) as pool:
            taken.append(seconds(lambda: list(pool.map(trivial, range(2)))))

    taken = []
    whole = seconds(work)
    return min(whole, taken[0])


COLD = {"loky": cold_loky, "ProcessPoolExecutor": cold_executor}


def measure_cold():
    for name in COLD:
        for _ in range(5):
            out = subprocess.run([sys.executable, __file__, name], check=True, stdout=subprocess.PIPE)
            say(f"{name} cold ms", float(out.stdout) * 1e3)


def measure_processes():
    print(f"joblib\t{joblib.__version__}")
    measure_joblib("loky")
    measure_joblib("multiprocessing")
    measure_pool()
    measure_cold()
    measure_arrays()
    measure_values_of_loky()


def measure_files():
    print(f"numpy\t{numpy.__version__}\njoblib\t{joblib.__version__}")
    array = numpy.full(ARRAY_ITEMS, 1.0)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        path = folder + "/array.npy"
        for _ in range(7):
            say("numpy save GiB/s", 1 / seconds(lambda: numpy.save(path, array)))
            say("numpy load GiB/s", 1 / seconds(lambda: numpy.load(path)))
            say("numpy mapped sum GiB/s", 1 / seconds(lambda: numpy.load(path, mmap_mode="r").sum()))
            os.remove(path)
        numpy.save(path, array)
        mapped = numpy.load(path, mmap_mode="r")
        with Parallel(n_jobs=WORKERS, backend="loky") as parallel:
            measure("loky slice us", lambda: parallel(delayed(ends_of)(mapped[10:-10]) for _ in range(2)), 1e6, 15)
            measure("loky same array us", lambda: parallel(delayed(ends_of)(mapped) for _ in range(2)), 1e6, 15)


# --- the examples generator_memory and memmap ---

def big_result(index):
    time.sleep(0.1)
    return numpy.full((10_000, 200), float(index))


def tree_pss(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup") as rollup:
            total = sum(int(line.split()[1]) for line in rollup if line.startswith("Pss:")) * 1024
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as children:
                total += sum(tree_pss(int(child)) for child in children.read().split())
        return total
    except OSError:
        return 0  # it has ended


def peak_mb(work):
    over, start = threading.Event(), tree_pss(os.getpid())
    peaks = [start]

    def watch():
        while not over.wait(0.02):
            peaks.append(tree_pss(os.getpid()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    taken = seconds(work)
    over.set()
    watcher.join()
    return taken, (max(peaks) - start) / 1e6


def measure_generator():
    for name, how in (("generator", "generator"), ("list", "list")):
        with Parallel(n_jobs=WORKERS, return_as=how) as parallel:
            list(parallel(delayed(trivial)(i) for i in range(2)))
            taken, peak = peak_mb(lambda: sum(r.sum() for r in parallel(delayed(big_result)(i) for i in range(150))))
        say(f"loky {name} s", taken)
        say(f"loky {name} MB", peak)


def slow_mean(data, window):
    time.sleep(0.01)
    return data[window].mean()


def write_slow_mean(data, window, output, index):
    output[index] = slow_mean(data, window)


def measure_slow_mean():
    data = numpy.random.random(10_000_000)
    windows = [slice(start, start + 500_000) for start in range(0, len(data) - 500_000, 100_000)]
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder, Parallel(n_jobs=WORKERS) as parallel:
        numpy.save(folder + "/data.npy", data)
        mapped = numpy.load(folder + "/data.npy", mmap_mode="r")
        output = numpy.memmap(folder + "/output", shape=len(windows), mode="w+", dtype=float)
        parallel(delayed(trivial)(i) for i in range(2))
        for _ in range(3):
            copy = data.copy()
            say("loky ordinary s", seconds(lambda: parallel(delayed(slow_mean)(copy, w) for w in windows)))
            say("loky memmap s", seconds(lambda: parallel(delayed(slow_mean)(mapped, w) for w in windows)))
            say("loky output s", seconds(lambda: parallel(
                delayed(write_slow_mean)(mapped, w, output, i) for i, w in enumerate(windows))))


def measure_memmap():
    measure_files()
    measure_generator()
    measure_slow_mean()


def measure_cluster():
    """Dask's scheduler and two workers of one thread each, on this machine."""
    import numpy
    import distributed
    print(f"Dask version\t{distributed.__version__}", flush=True)
    start = time.perf_counter()
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    client = distributed.Client(cluster)
    client.submit(trivial, 1.0).result()
    say("Dask LocalCluster ms", (time.perf_counter() - start) * 1e3)
    for run in range(2):
        taken = seconds(lambda: client.gather(client.map(trivial, range(run * 10**6, run * 10**6 + 5_000))))
        say("Dask map us", taken / 5_000 * 1e6)
    times = [seconds(lambda: client.submit(trivial, 1e9 + i).result()) for i in range(100)]
    say("Dask latency us", sorted(times)[50] * 1e6)
    array = numpy.ones(2**27)
    for run in range(2):
        array[0] = run
        taken = seconds(lambda: client.submit(ends_of, client.scatter(array, hash=False)).result())
        say("Dask array GiB/s", 1 / taken)
    for run in range(2):
        future = client.submit(numpy.full, 2**27, 3.0 + run)
        distributed.wait(future)
        say("Dask result GiB/s", 1 / seconds(future.result))
    measure_values("Dask", lambda function, inputs: client.gather(
        [client.submit(function, i, pure=False) for i in inputs]), 2)
    client.close()
    cluster.close()


# --- joblib's Memory and hash ---

LARGE_ITEMS = 100_000_000 // 8


def twice(x):
    return 2 * x


def sum_of_ends(array):
    return array[0] + array[-1]


def large_result(seed):
    return numpy.full(LARGE_ITEMS, float(seed))


def measure_calls(parent, where):
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        cached = joblib.Memory(folder, verbose=0).cache(twice)
        cached(-1.0)
        calls = [float(i) for i in range(1000)]
        say(f"miss us {where}", seconds(lambda: [cached(x) for x in calls]) * 1e6 / len(calls))
        for _ in range(3):
            say(f"hit us {where}", seconds(lambda: [cached(x) for x in calls]) * 1e6 / len(calls))


def measure_cache(disk):
    print(f"joblib\t{joblib.__version__}")
    measure_calls("/dev/shm", "/dev/shm")
    measure_calls(disk, "disk")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        memory = joblib.Memory(folder, verbose=0, mmap_mode="r")
        array, of_array, result = large_result(1), memory.cache(sum_of_ends), memory.cache(large_result)
        of_array(array)
        result(7)
        for _ in range(7):
            say("hit with array GiB/s", array.nbytes / GIB / seconds(lambda: of_array(array)))
            say("hit mapped us", seconds(lambda: result(7)) * 1e6)


def measure_persist():
    print(f"joblib\t{joblib.__version__}")
    array = numpy.random.random(ARRAY_ITEMS)
    for _ in range(3):
        say("hash GiB/s", 1 / seconds(lambda: joblib.hash(array)))


GROUPS = {"processes": measure_processes, "memmap": measure_memmap,
          "cache": lambda: measure_cache(sys.argv[2]), "persist": measure_persist, "cluster": measure_cluster}


def main():
    wanted = sys.argv[1]
    if wanted in COLD:
        print(COLD[wanted]())
    else:
        GROUPS[wanted]()


if __name__ == "__main__":
    main()
