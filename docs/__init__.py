"""What is read beside the code, and what makes it."""
