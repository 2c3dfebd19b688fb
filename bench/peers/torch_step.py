"""The training step of `triggerlab bench step` in PyTorch: same networks, freeze policies, batch and images, timed the same way.

Prints one JSON document. Needs torch, and torchvision for the full-size networks.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

from networks import CLASSES, MODELS

POOL = 8
WARM_UP_STEPS = 5
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def product_speed(seconds=2):
    """GFLOP/s of this machine's float32 matrix product: the median of products of 1024 x 1024 matrices, and the best."""
    a, b = torch.rand(1024, 1024), torch.rand(1024, 1024)
    times = []
    deadline = time.perf_counter() + seconds
    while len(times) < 10 or time.perf_counter() < deadline:
        started = time.perf_counter()
        torch.mm(a, b)
        times.append(time.perf_counter() - started)
    flops = 2 * 1024**3 / 1e9
    return {"median": flops / statistics.median(times), "best": flops / min(times)}


def freeze(model, policy):
    """Leaves `requires_grad` on what the policy trains, so that autograd skips the weight gradients of the rest."""
    norms = {f"{name}." for name, module in model.named_modules() if isinstance(module, nn.BatchNorm2d)}
    first = int(policy[5:]) if policy.startswith("from:") else 0
    for i, (name, parameter) in enumerate(model.named_parameters()):
        if policy == "paper":
            parameter.requires_grad = name.startswith(model.paper) or any(name.startswith(norm) for norm in norms)
        elif policy == "head":
            parameter.requires_grad = name.startswith(model.head)
        else:
            parameter.requires_grad = i >= first
    model.train()
    if policy == "head":
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()


def measure(args, channels_last):
    """Seconds and processor seconds of each step after the warm-up, and the numbers of parameters and of trained parameters."""
    torch.manual_seed(0)
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    model = MODELS[args.model](args.size)
    freeze(model, args.freeze)
    model = model.to(memory_format=memory_format)
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    count = args.batch * POOL
    images = torch.randint(0, 256, (count, args.size, args.size, 3), dtype=torch.uint8)
    labels = torch.arange(count) % CLASSES
    mean = torch.tensor(MEAN).reshape(1, 3, 1, 1)
    std = torch.tensor(STD).reshape(1, 3, 1, 1)

    def step(rows):
        pixels = images[rows].permute(0, 3, 1, 2).to(torch.float32, memory_format=memory_format) / 255
        loss = F.cross_entropy(model((pixels - mean) / std), labels[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.item()

    times, cpu_times = [], []
    deadline = None
    done = 0
    while deadline is None or time.perf_counter() < deadline or len(times) < 3:
        for rows in torch.randperm(count).split(args.batch):
            started, cpu_started = time.perf_counter(), time.process_time()
            step(rows)
            done += 1
            if deadline is not None:
                times.append(time.perf_counter() - started)
                cpu_times.append(time.process_time() - cpu_started)
            elif done == WARM_UP_STEPS:
                deadline = time.perf_counter() + args.seconds
    counts = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return times, cpu_times, sum(n for n, _ in counts), sum(n for n, trained in counts if trained)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=sorted(MODELS), required=True)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--freeze", default="paper", help="paper, head, none or from:<n>")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5, help="for each memory format measured")
    parser.add_argument("--memory-format", choices=("contiguous", "channels-last", "best"), default="best")
    args = parser.parse_args()
    known = args.freeze in ("paper", "head", "none") or (args.freeze[:5] == "from:" and args.freeze[5:].isdigit())
    if not known:
        parser.error(f"unknown freeze policy {args.freeze!r}: paper, head, none or from:<n>")
    torch.set_num_threads(args.threads)
    if args.memory_format == "best":
        # Each in a process of its own, so that peak memory is its own too.
        command = [sys.executable, __file__, *sys.argv[1:], "--memory-format"]
        runs = [json.loads(subprocess.check_output([*command, name])) for name in ("contiguous", "channels-last")]
        best = max(runs, key=lambda run: run["imagesPerSecond"])
        document = {**best, "formats": [run["formats"][0] for run in runs]}
    else:
        document = measured(args)
    json.dump(document, sys.stdout, indent=2)
    print()


def measured(args):
    times, cpu_times, parameters, trained = measure(args, args.memory_format == "channels-last")
    median = statistics.median(times)
    result = {
        "memoryFormat": args.memory_format,
        "steps": len(times),
        "imagesPerSecond": args.batch / median,
        "slowest": args.batch / max(times),
        "fastest": args.batch / min(times),
        "medianStepSeconds": median,
        "medianCpuSeconds": statistics.median(cpu_times),
        "peakMemoryBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        * (1 if sys.platform == "darwin" else 1024),
    }
    return {
        "schemaVersion": 1,
        "model": args.model,
        "freeze": args.freeze,
        "batch": args.batch,
        "size": args.size,
        "threads": args.threads,
        "parameters": parameters,
        "trainedParameters": trained,
        **result,
        "formats": [result],
        # Measured last: the products are not part of the step.
        "productGflopsPerSecond": product_speed(),
        "engine": f"PyTorch {torch.__version__}",
    }


if __name__ == "__main__":
    main()
