"""The loop where it can be scored: on worlds with known truth, and on past dates of a history.

A world or a panel goes in, records of what came of it come out. The command line imports this
folder; the loop does not know it.
"""

from adbudget.backtesting.history import backtest
from adbudget.backtesting.history_record import HistoryBacktest
from adbudget.backtesting.world_record import WorldBacktest
from adbudget.backtesting.worlds import backtest_world

__all__ = ["HistoryBacktest", "WorldBacktest", "backtest", "backtest_world"]
