"""Links between things -> the groups that hang together through them. Knows not what they are."""

import numpy as np


def linked_groups(n: int, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Group of each thing, named by its first member: (thing,) int64, -1 where nothing links it.

    Parameters
    ----------
    n : how many things there are
    one, other : (link,) positions of the two ends of every link; a thing may be linked to itself
    """
    group = np.full(n, -1, np.int64)
    if not len(one):
        return group
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(one), np.int8), (one, other)), shape=(n, n))
    n_groups, label = connected_components(links, directed=False)
    first = np.full(n_groups, n, np.int64)
    np.minimum.at(first, label, np.arange(n))
    linked = np.unique(np.concatenate([one, other]))
    group[linked] = first[label[linked]]
    return group
