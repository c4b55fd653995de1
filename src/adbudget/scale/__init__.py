"""Thousands of accounts: learned and decided in shards, on one machine or on a cluster.

Folders of Parquet files go in; a population, one fit per shard and a folder of decisions come out.
The command line imports this folder, and whoever has more accounts than one fit can hold.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
