"""Reports and exports. Reads a case, never writes one."""
