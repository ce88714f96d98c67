"""Side-by-side speed: `python -m benchmarks [NAME ...]`. Nothing here is asserted on."""
