"""What the commands of this folder share: where things are, the peers' environment, results.json and the tables in README.md."""
import json
import os
import subprocess
import sys
import venv

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
VENV = os.path.join(HERE, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
DATA = os.path.join(VENV, "data")
PEERS = ("numpy", "torch", "jax")
RESULTS = os.path.join(HERE, "results.json")


def install(packages):
    """Packages that are missing are installed; what is there stays. Says whether all are there."""
    if not os.path.exists(PYTHON):
        venv.create(VENV, with_pip=True)
    probe = "import sys, importlib.metadata as m; [m.version(p) for p in sys.argv[1:]]"
    if subprocess.run([PYTHON, "-c", probe, *packages], capture_output=True).returncode == 0:
        return True
    return subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", *packages]).returncode == 0


def build(package="enscore-bench"):
    """Builds a package's binary and gives its path."""
    command = ["cargo", "build", "--release", "--quiet", "-p", package, "--message-format=json"]
    output = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    messages = [json.loads(line) for line in output.splitlines()]
    return next(m["executable"] for m in messages if m.get("executable"))


def command_of(library):
    """The command of a library's worker."""
    if library == "enscore":
        return [build(), DATA]
    name, *layout = library.split()
    return [PYTHON, f"{name}_worker.py", DATA, *layout]


class Worker:
    """A process that answers requests, one line each."""

    def __init__(self, command):
        self.process = subprocess.Popen(
            command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def answer(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"bench: {self.process.args[0]} stopped at {words}")
        return answer.rstrip("\n")

    def ask(self, *words):
        return [float(word) for word in self.answer(*words).split()]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def results():
    with open(RESULTS) as file:
        return json.load(file)


def write_results(results):
    with open(RESULTS, "w") as file:
        json.dump(results, file, indent=1)
        file.write("\n")


def write_row(row):
    """Puts a row in the place of the one of its name, or after all others."""
    now = results()
    names = [r["name"] for r in now["rows"]]
    at = names.index(row["name"]) if row["name"] in names else len(names)
    now["rows"][at : at + 1] = [row]
    write_results(now)


def write_tables(tables):
    """Puts each text in README.md between the marks <!-- name --> and <!-- end name --> of its name."""
    path = os.path.join(HERE, "README.md")
    with open(path) as file:
        text = file.read()
    for name, new in tables.items():
        before, rest = text.split(f"<!-- {name} -->\n", 1)
        after = rest.split(f"<!-- end {name} -->\n", 1)[1]
        text = f"{before}<!-- {name} -->\n{new}\n<!-- end {name} -->\n{after}"
    with open(path, "w") as file:
        file.write(text)
