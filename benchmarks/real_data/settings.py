"""What every fit of this folder uses: the default priors, and these draws. The same everywhere."""

SEED = 1
SAMPLING = {"draws": 500, "tune": 500, "chains": 4, "progress": False}
INTERVAL = (0.05, 0.95)
HELD_OUT_DAYS = 56
ORIGINS = 4
DAYS_APART = 28
