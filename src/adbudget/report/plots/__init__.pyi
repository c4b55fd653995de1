from .curves import plot_curves as plot_curves
from .forecast import plot_forecast as plot_forecast
