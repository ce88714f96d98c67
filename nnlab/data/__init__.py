"""Data: sources, verified downloads, splits. Importing this needs NumPy only."""

from nnlab.data.dataset import Dataset as Dataset
from nnlab.data.loading import load as load
from nnlab.data.loading import read_source as read_source
from nnlab.data.settings import DataSettings as DataSettings
from nnlab.data.settings import SplitSettings as SplitSettings
from nnlab.data.shared import open_shared as open_shared
from nnlab.data.shared import save_shared as save_shared
