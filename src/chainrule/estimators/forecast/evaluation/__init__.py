"""How good forecasts are: metrics, baselines, tests of skill, and the result of a backtest."""
