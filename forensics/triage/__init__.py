"""The multiprocessing core: plans units of work, runs them in workers, gathers results."""
