from __future__ import annotations

import hashlib
import json

import numpy as np
import threadpoolctl
from recording import configuration, dataset

from nnlab.runs import provenance


def test_provenance_is_json_and_says_where_numbers_come_from() -> None:
    facts = provenance.collect(configuration(), dataset(), ["nnlab.run", "seed=3"])
    assert json.loads(json.dumps(facts)) == facts
    assert facts["seed"] == 3
    assert facts["command"] == ["nnlab.run", "seed=3"]
    assert facts["dataset"] == {
        "name": "tiny",
        "sha256": "d5" * 32,
        "features": 4,
        "dtype": "uint8",
        "classes": ["a", "b", "c"],
        "rows": {"train": 7, "validation": 2, "test": 3},
    }
    assert facts["numpy"] == np.__version__ == facts["packages"]["numpy"]


def test_the_configs_digest_is_that_of_its_canonical_json() -> None:
    # printf '{"a":[1,2.5,null],"b":{"c":true,"d":"\\u00e9"}}' | sha256sum
    expected = "27825d1a38afc581f22da53c5c7d13c318ae39a10c81809ece38f0df84b8aa2c"
    config = {"b": {"d": "é", "c": True}, "a": [1, 2.5, None], "runs_dir": "x", "tracking": {"uri": "y"}}
    assert provenance.config_sha256(config) == expected


def test_where_the_data_lies_does_not_change_the_configs_digest() -> None:
    here, there = ({"data": {"name": "idx", "root": root}} for root in ("/here", "/there"))
    assert provenance.config_sha256(here) == provenance.config_sha256(there)
    assert provenance.config_sha256(here) != provenance.config_sha256({"data": {"name": "csv", "root": "/here"}})


def test_what_changes_no_number_does_not_change_the_configs_digest() -> None:
    without = {"seed": 1, "data": {"name": "idx"}, "trainer": {"epochs": 3}}
    place = {"runs_dir": "x", "tracking": {"uri": "y"}, "data": {"name": "idx", "root": "z"}}
    trainer = {"epochs": 3, "test": True, "checkpoint_seconds": 5.0}
    assert provenance.config_sha256({**without, **place, "trainer": trainer}) == provenance.config_sha256(without)


def test_how_much_memory_the_data_may_take_does_not_change_the_configs_digest() -> None:
    before, now = {"data": {"name": "idx"}}, {"data": {"name": "idx", "max_gigabytes": 8.0}}
    assert provenance.config_sha256(before) == provenance.config_sha256(now)


def test_the_weights_digest_is_that_of_their_little_endian_bytes() -> None:
    # 1.0 and -2.0 are 3f800000 and c0000000 in IEEE 754 single precision.
    expected = hashlib.sha256(bytes.fromhex("0000803f 000000c0")).hexdigest()
    assert provenance.weights_sha256([np.array([1.0, -2.0], "<f4")]) == expected
    assert provenance.weights_sha256([np.array([[1.0]], ">f4"), np.array([-2.0], ">f4")]) == expected
    assert provenance.weights_sha256([np.array([1.0, 0.0, -2.0, 0.0], "<f4")[::2]]) == expected


def test_blas_is_described_with_the_threads_of_the_moment() -> None:
    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        assert provenance.blas().endswith("threads=1")
    (library,) = [x for x in threadpoolctl.threadpool_info() if "numpy" in x["filepath"]]
    assert provenance.blas().split()[:3] == [
        library["internal_api"],
        library["version"],
        library["architecture"],
    ]


def test_requirements_are_exact_versions_alone() -> None:
    assert provenance.requirements({"numpy": "2.4.6", "a-b": "1"}) == "numpy==2.4.6\na-b==1\n"
    assert set(provenance.packages()) >= {"numpy", "scikit-learn", "mlxtend", "safetensors"}
