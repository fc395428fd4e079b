"""Environment parity: what is declared and set differently where it ought to be alike."""
