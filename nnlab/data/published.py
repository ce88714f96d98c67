"""MNIST and Fashion-MNIST: where they are published, their checksums and their classes."""

from __future__ import annotations

import logging
from pathlib import Path

from nnlab.data.download import Published, fetch
from nnlab.data.idx_files import read_folder
from nnlab.data.limits import MemoryLimit
from nnlab.data.source import Source
from nnlab.errors import UserError

MNIST = Published(
    name="mnist",
    files={
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    },
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ),
)
MNIST_CLASSES = tuple("0123456789")

FASHION_MNIST = Published(
    name="fashion_mnist",
    files={
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    },
    mirrors=(
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
)
FASHION_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

DEBIAN_FASHION = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package dataset-fashion-mnist keeps the four files."""

FASHION_SHA256 = "241b21ccf1eaa831b0f0ecd577e5e48e29cc0e9ad77688ec900bc4b9a4d74d54"
"""Digest of the arrays, as `Source.sha256` makes it. Debian compresses the files again, without the names
and times in their gzip headers, so the published MD5s do not apply; with these restored they match, so the
arrays are the published ones."""


def load_mnist(limit: MemoryLimit, *, progress: bool = False) -> Source:
    """70,000 handwritten digits of 28×28 bytes: 60,000 for training, 10,000 for testing.

    Raises:
        UserError: a download failed.

    Reference: Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, Gradient-based learning applied to document
    recognition, 1998.
    """
    return read_folder(fetch(MNIST, progress=progress), limit, MNIST_CLASSES)


def load_fashion_mnist(limit: MemoryLimit, *, progress: bool = False) -> Source:
    """70,000 pictures of clothes in MNIST's form, from Debian's package if it is installed, else downloaded.

    Raises:
        UserError: a download failed.

    Reference: H. Xiao, K. Rasul and R. Vollgraf, Fashion-MNIST: a novel image dataset for benchmarking
    machine learning algorithms, 2017, https://arxiv.org/abs/1708.07747
    """
    installed = _installed_fashion_mnist(limit)
    if installed is not None:
        return installed
    return read_folder(fetch(FASHION_MNIST, progress=progress), limit, FASHION_CLASSES)


def _installed_fashion_mnist(limit: MemoryLimit) -> Source | None:
    """What Debian's package has, if it is installed and its arrays are the published ones."""
    if not DEBIAN_FASHION.is_dir():
        return None
    try:
        source = read_folder(DEBIAN_FASHION, limit, FASHION_CLASSES)
    except UserError as error:
        problem = str(error)
    else:
        if source.sha256 == FASHION_SHA256:
            return source
        problem = "its arrays have a different digest from the published ones"
    logging.getLogger(__name__).warning("%s is ignored: %s", DEBIAN_FASHION, problem)
    return None
