"""The mock provider, the floor and the load generator: built where they are missing, and pinned to their cores.

Two sets that speak the same: the one beside this repository, and `weir-bench` of crates/bench where that is not there. BENCH_SOURCES
names another folder of sources, BENCH_TOOLS a folder of programs, and BENCH_TOOLS=own takes crates/bench whatever is beside.
Invariant: all three come from one set, and only figures taken with the same set may be compared.
"""

import json
import os
import pathlib
import subprocess
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BESIDE = pathlib.Path(os.environ.get("BENCH_SOURCES") or ROOT.parent / "shared" / "bench")
TARGET = ROOT / ".tools" / "bench"
# The process that is measured has the first to itself.
MEASURED, OTHERS = 0, 1


def on_core(core, pid):
    subprocess.run(["taskset", "-a", "-p", "-c", str(core), str(pid)], check=True, stdout=subprocess.DEVNULL)


def build(*folders):
    """Builds each as well as the compiler can, so that the floor is one; the folder of the programs."""
    env = os.environ | {"CARGO_PROFILE_RELEASE_LTO": "fat", "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "1"}
    command = [os.environ.get("CARGO", "cargo"), "build", "--quiet", "--locked", "--release", "--target-dir", TARGET]
    for folder in folders:
        if subprocess.run(command, cwd=folder, env=env).returncode:
            raise SystemExit(f"{folder} does not build")
    return TARGET / "release"


def roomy(model, directive):
    """The load generator's own request with a cap that no stream passes while it is measured: beyond it a stream is counted, and
    draws more of its budgets."""
    messages = [{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": f"[[mock {directive}]] "}]
    return json.dumps({"model": model, "messages": messages, "temperature": 0.7, "max_tokens": 32768, "stream": True,
                       "stream_options": {"include_usage": True}})


class Tools:
    """Which set is used is decided once."""

    def __init__(self, home):
        self.home, self.started = home, []
        named = os.environ.get("BENCH_TOOLS")
        if named and named != "own":
            self.folder = pathlib.Path(named).resolve()
            self.is_own = not (self.folder / "loadgen").exists()
        else:
            self.is_own = named == "own" or not BESIDE.is_dir()
            sources = [ROOT / "crates" / "bench"] if self.is_own else [BESIDE / tool for tool in ("mock-upstream", "loadgen", "floor-proxy")]
            self.folder = build(*sources)
        self.name = "weir-bench" if self.is_own else "the tools beside the repository"
        if self.is_own and not (self.folder / "weir-bench").exists():
            raise SystemExit(f"{self.folder} has neither loadgen nor weir-bench")

    def _command(self, own, beside, *arguments):
        program = [self.folder / "weir-bench", *own] if self.is_own else [self.folder / beside[0], *beside[1:]]
        return [str(part) for part in (*program, *arguments)]

    def _start(self, core, command):
        process = subprocess.Popen(["taskset", "-c", str(core), *command], stdout=subprocess.DEVNULL)
        self.started.append(process)
        return process

    def mock(self, listen):
        return self._start(OTHERS, self._command(["mock"], ["mock-upstream"], "--listen", listen))

    def floor(self, listen, upstream):
        own = ["floor", "--listen", listen, "--upstream", upstream]
        return self._start(MEASURED, self._command(own, ["floor-proxy", "plain", listen, upstream]))

    def load(self, target, model, warmup, seconds, *pace):
        """One run against `target`, a tuple of address, key and process id; what was seen. Connections are opened in the first half
        of the warm-up."""
        base, key, pid = target
        if "--stream" in pace and not self.is_own:
            pace = (*pace, "--body", roomy(model, pace[pace.index("--mock") + 1]))
        out = self.home / "load.json"
        out.unlink(missing_ok=True)
        command = self._command(
            ["load"], ["loadgen", "--ramp-ms", warmup * 500, "--quiet", "--json", out],
            "--base", f"http://{base}", "--key", key, "--model", model, "--pid", pid, "--warmup", warmup, "--duration", seconds, *pace)
        done = subprocess.run(["taskset", "-c", str(OTHERS), *command], capture_output=True, text=True)
        text = done.stdout if self.is_own else out.read_text() if out.exists() else ""
        assert text.strip(), f"the load generator saw nothing: {done.stderr.strip()}"
        seen = json.loads(text.splitlines()[-1])
        assert seen["non2xx"] == 0 and seen["io_err"] == 0 and (seen["ok"] or seen["chunks"]), f"not every answer was good: {seen}"
        return seen

    def open_streams(self, mock):
        now = json.load(urllib.request.urlopen(f"http://{mock}/stats", timeout=10))
        return now["streams_started"] - now["streams_completed"] - now["streams_aborted"]

    def end(self):
        for process in self.started:
            process.terminate()
        for process in self.started:
            process.wait()
