"""What time series need before a model sees them: tables, windows, calendars, baselines. NumPy alone, no framework."""
