"""Examines a corpus before anything is trained on it: what is wrong, where, and what to do about it."""
