from .curves import plot_curves as plot_curves
