"""Music: notes on a grid, files of music, the events that a network reads. No framework."""
