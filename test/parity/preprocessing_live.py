"""Real images and what torchvision and PIL make of them, for preprocessing.parity.ts.

python preprocessing_live.py FOLDER DATA COUNT: writes FOLDER/<dataset>.bin (uint8 images) and FOLDER/<case>.bin (float32), prints the cases.
"""
import gzip, io, json, pathlib, sys, zipfile
import numpy as np
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / 'fixtures' / 'preprocessing'))
from reference import chain  # noqa: E402

folder, data, count = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
IMAGENET = {'mean': [0.485, 0.456, 0.406], 'std': [0.229, 0.224, 0.225]}
CIFAR = {'mean': [0.4914, 0.4822, 0.4465], 'std': [0.247, 0.243, 0.261]}
HALF = {'mean': [0.5] * 3, 'std': [0.5] * 3}
PIL = {'antialias': True, 'quantize': 'each-axis'}


def mnist():
    file = next(p for p in sorted((data / 'mnist').glob('*.gz')) if 't10k-images' in p.name)
    raw = np.frombuffer(gzip.open(file).read(), np.uint8, offset=16)
    return raw.reshape(-1, 28, 28, 1)[:count]


def zipped(name, wanted):
    archive = zipfile.ZipFile(data / name)
    names = [n for n in sorted(archive.namelist()) if wanted(n)]
    names = names[:: len(names) // count][:count]
    return np.stack([np.asarray(Image.open(io.BytesIO(archive.read(n))).convert('RGB')) for n in names])


datasets = {
    'mnist': (mnist, 64, HALF, {}),
    'cifar10': (lambda: zipped('cifar10-jpeg-subset.zip', lambda n: '/test/' in n and n.endswith('.jpg')), 128, CIFAR, {}),
    'tiny-imagenet': (lambda: zipped('tiny-imagenet-200-subset.zip', lambda n: '/val/images/' in n and n.endswith('.JPEG')), 224,
                      IMAGENET, {'resize': 256}),
}
cases = []
for name, (load, side, norm, cut) in datasets.items():
    images = load()
    assert len(images) == count, (name, len(images))
    images.tofile(folder / f'{name}.bin')
    small = images.shape[1] * 5 // 8
    for label, case in {
        'bilinear': {'inputSize': side, **cut, **norm},
        'bilinear, smaller': {'inputSize': small},
        'bilinear antialiased, smaller': {'inputSize': small, 'antialias': True},
        'bicubic': {'inputSize': side, **cut, 'filter': 'bicubic'},
        'bicubic antialiased, smaller': {'inputSize': small, 'filter': 'bicubic', 'antialias': True},
        'PIL bilinear': {'inputSize': side, **cut, **norm, **PIL},
        'PIL bilinear, smaller': {'inputSize': small, **PIL},
        'PIL bicubic, smaller': {'inputSize': small, 'filter': 'bicubic', **PIL},
        'bytes, bilinear': {'inputSize': side, **cut, 'quantize': 'once'},
        'bytes, bilinear antialiased, smaller': {'inputSize': small, 'antialias': True, 'quantize': 'once'},
    }.items():
        file = f'{len(cases)}.bin'
        chain(images, case).tofile(folder / file)
        cases.append({'dataset': name, 'label': label, 'shape': list(images.shape[1:]), **case, 'file': file})
print(json.dumps(cases))
