"""What the tasks share that read text and write text."""
