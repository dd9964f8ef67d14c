"""The dashboard in a browser: what it shows, that it goes on, and that nothing goes wrong in it.

Usage: dashboard_test.py SIMULATED_DASHBOARD [SCREENSHOT]. Ends with 77 where there is no Chromium.
"""
import html
import re
import shutil
import subprocess
import sys
import tempfile


def look(browser, url, *options, milliseconds=6000):
    """The page's DOM after some (virtual) seconds, and what the browser wrote to its console."""
    with tempfile.TemporaryDirectory() as profile:
        run = subprocess.run(
            [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             f"--user-data-dir={profile}", "--enable-logging=stderr", "--v=0",
             f"--virtual-time-budget={milliseconds}", *options, "--dump-dom", url],
            capture_output=True, text=True, timeout=120, check=False)
    console = [line for line in run.stderr.splitlines() if ":CONSOLE" in line]
    return run.stdout, console


class Simulated:
    def __init__(self, program, nodes):
        self.process = subprocess.Popen([program, str(nodes)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def __enter__(self):
        return self.url

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(30)


def expect(holds, what, dom):
    if not holds:
        sys.exit(f"{what}\n\n{dom[:20000]}")


def check(browser, program, nodes):
    with Simulated(program, nodes) as url:
        dom, console = look(browser, url)
    text = html.unescape(re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", dom, flags=re.S))
    expect(not console, f"the console says: {console}", dom)
    updates = re.search(r'data-updates="(\d+)"', dom)
    expect(updates and int(updates[1]) >= 3, "it does not go on by itself", dom)
    expect(re.search(rf"\b{nodes}\s+nodes", text), f"it does not count {nodes} nodes", dom)
    for word in ("busy slots", "tasks per second", "arrays in memory", "received by nodes",
                 "simulate(double, int)", "denoise(const Image&)", "node1000", "slot time", "live"):
        expect(word in text, f"'{word}' is not shown", dom)
    expect(re.search(r"batches of the last \d+ s", text), "the task stream is empty", dom)
    expect("the matrix is singular <b>at row 7</b>" in text, "no error's text is shown, or as HTML", dom)
    done = re.search(r"([\d.]+)( [kMG])?\s+tasks done", text)
    expect(done and float(done[1]) > 0, "no task is done", dom)
    print(f"{nodes} nodes: {updates[1]} updates, {done[0]}")


def main():
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        print("skipped: there is no Chromium (Debian's package chromium)")
        sys.exit(77)
    for nodes in (1, 24, 500):
        check(browser, sys.argv[1], nodes)
    if len(sys.argv) > 2:
        with Simulated(sys.argv[1], 24) as url:
            look(browser, url, f"--screenshot={sys.argv[2]}", "--window-size=1280,1150", milliseconds=20000)


main()
