"""What npm run test:parity asks of PyTorch.

  python torchvision_live.py check             fails unless torch, torchvision and numpy are there; prints their versions
  python torchvision_live.py case NUMBER DIR   runs a case of full-size-cases.json, writes DIR/case.safetensors and case.json
  python torchvision_live.py registry          prints names and shapes of every size of the four families as JSON
  python torchvision_live.py init SEED MODEL   prints count, mean, deviation and kurtosis of each parameter from scratch
"""

import json
import struct
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
import torchvision

sys.path.insert(0, str(Path(__file__).parent.parent / "fixtures" / "torch-train"))
import full_size  # noqa: E402

SIZES = [
    "alexnet",
    "googlenet",
    *[f"vgg{n}{suffix}" for n in (11, 13, 16, 19) for suffix in ("", "_bn")],
    *[f"resnet{n}" for n in (18, 34, 50, 101, 152)],
]


def check():
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}, numpy {np.__version__}")


def save(path, tensors):
    """The safetensors format, float32."""
    header, offset = {}, 0
    for name, values in tensors.items():
        header[name] = {"dtype": "F32", "shape": [values.size], "data_offsets": [offset, offset + 4 * values.size]}
        offset += 4 * values.size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for values in tensors.values():
            file.write(values.astype("<f4").tobytes())


def case(number, directory):
    result = full_size.reference(full_size.SETTINGS["cases"][number])
    tensors = {f"gradients/{name}": values for name, values in result["slopes"].items()}
    document = {
        "flat": {n: {"values": v.tolist(), "torchError": result["flatError"][n]} for n, v in result["flat"].items()},
        "gradientError": result["slopeError"],
        "steps": {},
    }
    for method, entry in result["steps"].items():
        tensors.update({f"{method}/{name}": values for name, values in entry["moved"].items()})
        keys = ("lossError", "movedError")
        document["steps"][method] = {"losses": entry["losses"].tolist(), **{key: entry[key] for key in keys}}
    save(Path(directory) / "case.safetensors", tensors)
    (Path(directory) / "case.json").write_text(json.dumps(document))


def described(network):
    shapes = lambda pairs: [[name, list(t.shape)] for name, t in pairs if t.is_floating_point()]
    return {"parameters": shapes(network.named_parameters()), "buffers": shapes(network.named_buffers())}


def registry():
    result = {}
    with torch.device("meta"):
        for name in SIZES:
            for init in ("pretrained", "random"):
                result[f"{name} {init}"] = described(full_size.torchvision_network(name, init))
    print(json.dumps(result))


def init(seed, name):
    torch.manual_seed(seed)
    network = torchvision.models.get_model(name, weights=None, num_classes=full_size.CLASSES)
    result = {}
    for parameter, t in network.named_parameters():
        values = t.detach().double().reshape(-1)
        centred = values - values.mean()
        variance = float((centred**2).mean())
        kurtosis = float((centred**4).mean()) / variance**2 if variance > 0 else 0
        result[parameter] = [values.numel(), float(values.mean()), variance**0.5, kurtosis]
    print(json.dumps(result))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    mode, *arguments = sys.argv[1:]
    if mode == "check":
        check()
    elif mode == "case":
        torch.use_deterministic_algorithms(True)
        case(int(arguments[0]), arguments[1])
    elif mode == "registry":
        registry()
    elif mode == "init":
        init(int(arguments[0]), arguments[1])
    else:
        sys.exit(f"unknown mode {mode}")
