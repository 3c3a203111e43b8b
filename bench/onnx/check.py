"""Exported ONNX files beside enscore: log density, energy and score of a few models in onnxruntime.

    pip install -r bench/onnx/requirements.txt
    cargo build --release -p enscore-cli && python bench/onnx/check.py target/release/enscore

For each model: trains a few steps, exports, checks the files, runs them on rows of the data in several batch
sizes, and compares with `enscore score`. Exits with 1 where a number differs by more than the tolerance.
"""

import csv
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

# Relative to 1 + |value|: single precision on both sides, summed in other orders.
TOLERANCE = 1e-3

DATA = {
    "points": "path = 'points.csv'\nvalidation = 0.2",
    "whitened": "path = 'points.csv'\nvalidation = 0.2\npreprocess = 'whiten'",
    "images": "path = 'images.npy'\nvalidation = 0.2",
}
MODELS = {
    "perceptron score": ("points", "kind = 'mlp'\nhidden = [16, 16]", ""),
    "perceptron energy": ("points", "kind = 'mlp-energy'\nhidden = [16, 16]\nconfinement = 5.0", "kind = 'nce'"),
    "energy of a whitened table": ("whitened", "kind = 'mlp-energy'\nhidden = [16]", "kind = 'dsm'\nsigma = 0.3"),
    "convolutional energy": ("images", "kind = 'conv-energy'", "kind = 'cd'\nstep_size = 0.01"),
    "residual energy": ("images", "kind = 'residual-energy'\nchannels = 8", "kind = 'ssm'"),
    "U-Net": ("images", "kind = 'unet'\nchannels = 8\ngroups = 4", ""),
    "flow": ("points", "kind = 'real-nvp'\nhidden = [16]", "kind = 'ml'"),
    "flow of images": ("images", "kind = 'multi-scale-flow'\nchannels = 8", "kind = 'ml'"),
    "machine": ("whitened", "kind = 'rbm'\nhidden = 8\nvisible = 'gaussian'", "kind = 'cd'"),
}


def run(enscore, folder, *words):
    done = subprocess.run([enscore, *words], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"enscore {' '.join(words)}: {done.stderr}")
    return done.stdout


def mapped(description, rows):
    """Raw rows as the model sees them, by the description beside the files."""
    scale = description["data"]["scale"]
    rows = (rows - scale["low"]) / (scale["high"] - scale["low"])
    whitening = description["data"].get("whitening")
    if whitening:
        k = len(whitening["kept"])
        centred = rows[:, whitening["kept"]] - np.array(whitening["mean"])
        rows = centred @ np.array(whitening["matrix"]).reshape(k, k).T
    return rows.reshape(-1, *description["row_shape"]).astype(np.float32)


def outputs(path, inputs):
    """The outputs on all rows, checked to be the same in small batches."""
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    whole = dict(zip(names, session.run(names, inputs)))
    few = session.run(names, {name: values[:3] for name, values in inputs.items()})
    for name, values in zip(names, few):
        assert np.allclose(values, whole[name][:3], rtol=1e-4, atol=1e-4), f"{path}: {name} depends on the batch"
    return whole


def differs(found, expected):
    return float(np.max(np.abs(found - expected) / (1 + np.abs(expected))))


def check(enscore, folder, name, data, model, objective):
    settings = f"[data]\n{DATA[data]}\n[model]\n{model}\n[objective]\n{objective}\n[train]\nsteps = 20\nbatch = 16\n"
    (folder / "model.toml").write_text(settings)
    source = "images.npy" if data == "images" else "points.csv"
    out = name.replace(" ", "-")
    run(enscore, folder, "train", "model.toml", "--out", out, "--no-report")
    run(enscore, folder, "export", out, "--out", f"{out}-onnx", "--format", "onnx")
    run(enscore, folder, "score", out, source, "--out", "scores.csv")
    with open(folder / "scores.csv") as file:
        table = list(csv.DictReader(file))
    scored = {key: np.array([float(row[key]) for row in table]) for key in table[0]}
    description = json.loads((folder / f"{out}-onnx" / "model.json").read_text())
    if data == "images":
        rows = np.load(folder / source).reshape(len(table), -1).astype(float)
    else:
        rows = np.loadtxt(folder / source, delimiter=",", skiprows=1)
    x = mapped(description, rows)
    worst = {}
    graph = folder / f"{out}-onnx" / "log_density.onnx"
    if graph.exists():
        found = outputs(str(graph), {"x": x})
        worst["log density"] = differs(found["log_density"] + description["log_volume"], scored["log_density"])
        worst["energy"] = differs(found["energy"], -found["log_density"])
    graph = folder / f"{out}-onnx" / "score.onnx"
    if graph.exists():
        inputs = {"x": x}
        if "sigma" in description["onnx"][-1]["inputs"]:
            inputs["sigma"] = np.full(len(x), description["noise_levels"][-1], np.float32)
        found = outputs(str(graph), inputs)["score"].reshape(len(x), -1)
        worst["norm of the score"] = differs(np.linalg.norm(found, axis=1), scored["score_norm"])
    return worst


def images():
    """Soft blobs at random places, as bytes."""
    random = np.random.default_rng(0)
    place = random.uniform(1, 7, (200, 2, 1, 1))
    y, x = np.mgrid[:8, :8]
    square = (y - place[:, 0]) ** 2 + (x - place[:, 1]) ** 2
    return np.round(255 * np.exp(-square / 3)).astype(np.uint8)


def main():
    enscore = str(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "target/release/enscore").resolve())
    failed = False
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        angle = np.arange(200) * 0.731
        points = np.stack([2 * np.cos(angle) + 0.1 * angle, np.sin(angle)], axis=1)
        np.savetxt(folder / "points.csv", points, delimiter=",", header="a,b", comments="", fmt="%.4f")
        np.save(folder / "images.npy", images())
        for model, (data, table, objective) in MODELS.items():
            worst = check(enscore, folder, model, data, table, objective)
            failed |= any(not error <= TOLERANCE for error in worst.values())
            print(f"{model:28}", ", ".join(f"{what} {error:.1e}" for what, error in worst.items()))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
