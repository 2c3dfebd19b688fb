"""Neural Cleanse in PyTorch, one class after the other as its authors' program does it: the same network, images and schedule as ours.

Takes a folder that bench/peers/neural-cleanse.mjs wrote (network.json, weights.onnx, images.bin) and prints one JSON document:
for each class and seed the norm found, the recorded success, norm and lambda of every step, and the seconds it took.
"""

import argparse
import json
import math
import pathlib
import time

import numpy
import onnx
import torch
from onnx import numpy_helper
from torch.nn import functional as F

import networks

EPSILON = 1e-7
THRESHOLD, PATIENCE, FIRST, UP, DOWN, STOP_AFTER = 0.99, 5, 1e-3, 2.0, 2.0**1.5, 25


def load(folder):
    about = json.loads((folder / "network.json").read_text())
    networks.CLASSES = about["classes"]
    model = networks.MODELS[about["model"]](about["side"])
    weights = {
        one.name: torch.from_numpy(numpy_helper.to_array(one).copy())
        for one in onnx.load(folder / "weights.onnx").graph.initializer
    }
    state = model.state_dict()
    missing = [name for name in state if name not in weights and not name.endswith("num_batches_tracked")]
    assert not missing, missing
    model.load_state_dict({name: weights.get(name, value) for name, value in state.items()})
    model.eval()
    # What is not trained must not be paid for.
    for parameter in model.parameters():
        parameter.requires_grad = False
    images = numpy.fromfile(folder / "images.bin", dtype=numpy.float32).reshape(-1, 3, about["side"], about["side"])
    mean, std = (torch.tensor(about[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    return about, model, torch.from_numpy(images), mean, std


def search(model, images, mean, std, target, seed, args):
    generator = torch.Generator().manual_seed(1000 * seed + target)
    side = images.shape[-1]

    def start(channels):
        uniform = torch.rand(1, channels, side, side, generator=generator)
        return torch.atanh((uniform - 0.5) * (2 - EPSILON) * 0.999999).requires_grad_()

    mask_tanh, pattern_tanh = start(1), start(3)
    adam = torch.optim.Adam([mask_tanh, pattern_tanh], lr=0.1, betas=(0.5, 0.9))
    labels = torch.full((args.batch,), target)
    cost, waiting, up, down = 0.0, 0, 0, 0
    raised = lowered = False
    best, idle, best_mask = math.inf, 0, None
    record = []
    for _ in range(args.steps):
        successes, norms = [], []
        for _ in range(args.batches):
            x = images[torch.randperm(len(images), generator=generator)[: args.batch]]
            mask = torch.tanh(mask_tanh) / (2 - EPSILON) + 0.5
            pattern = torch.tanh(pattern_tanh) / (2 - EPSILON) + 0.5
            logits = model(((1 - mask) * x + mask * pattern - mean) / std)
            norm = mask.abs().sum()
            loss = F.cross_entropy(logits, labels) + cost * norm
            adam.zero_grad(set_to_none=True)
            loss.backward()
            adam.step()
            successes.append((logits.argmax(1) == target).float().mean().item())
            norms.append(norm.item())
        success, norm = sum(successes) / len(successes), sum(norms) / len(norms)
        works = success >= THRESHOLD
        if works and norm < best:
            best, idle = norm, 0
            best_mask = (torch.tanh(mask_tanh) / (2 - EPSILON) + 0.5).detach().sum().item()
        elif best < math.inf:
            idle += 1
        if args.early_stop and raised and lowered and idle >= STOP_AFTER:
            break
        if cost == 0 and works:
            waiting += 1
            if waiting >= PATIENCE:
                cost, up, down, raised, lowered = FIRST, 0, 0, False, False
        else:
            waiting = 0
        up, down = (up + 1, 0) if works else (0, down + 1)
        if up >= PATIENCE:
            cost, up, raised = cost * UP, 0, True
        elif down >= PATIENCE:
            cost, down, lowered = cost / DOWN, 0, True
        record.append([success, norm, cost])
    return {"target": target, "seed": seed, "norm": best_mask, "record": record}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--batches", type=int, default=1)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--early-stop", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    about, model, images, mean, std = load(args.folder)
    found = []
    for seed in range(args.seeds):
        for target in range(min(args.classes, about["classes"])):
            started, cpu = time.perf_counter(), time.process_time()
            one = search(model, images, mean, std, target, seed, args)
            one["seconds"] = time.perf_counter() - started
            one["cpuSeconds"] = time.process_time() - cpu
            found.append(one)
    print(json.dumps({"torch": torch.__version__, "threads": args.threads, "found": found}))


if __name__ == "__main__":
    main()
