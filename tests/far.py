"""A device that is far from the host, for tests: one of array-api-strict, whose traffic is counted.

What mixes its devices raises, and so does NumPy where it looks into another one than the first.
"""

import array_api_strict as xp
import numpy as np
import pytest
from array_api_strict import _array_object

from gradcheck.space import foreign

if not hasattr(xp, "Device") or np.lib.NumpyVersion(np.__version__) < "2.1.0":
    pytest.skip("needs several devices, and a NumPy that reads them", allow_module_level=True)
DEVICE = xp.Device("device1")
CUDA = 2  # a kind of devices, by DLPack


class Traffic:
    """How many numbers went to the device, and back."""

    def __init__(self):
        self.there = self.back = 0


def laid(values, device=DEVICE):
    """Make an array on the device."""
    return xp.asarray(np.asarray(values), device=device)


@pytest.fixture
def traffic(monkeypatch):
    """Let every array count as large, and those on other devices than the first as far."""
    counted, strict = Traffic(), _array_object.Array
    arrive, leave = strict.to_device, strict.__dlpack__

    def to_device(self, device, /, **options):
        counted.there += self.size
        return arrive(self, device, **options)

    def dlpack(self, **options):
        counted.back += self.size
        return leave(self, **options)

    def device_of(self):
        return (1 if self.device == xp.Device("CPU_DEVICE") else CUDA, 0)

    monkeypatch.setattr(strict, "to_device", to_device)
    monkeypatch.setattr(strict, "__dlpack__", dlpack)
    monkeypatch.setattr(strict, "__dlpack_device__", device_of)
    monkeypatch.setattr(foreign, "FEWEST", 0)
    return counted
