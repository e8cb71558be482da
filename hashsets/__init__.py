"""Known-hash sets: importing lists, keeping them with their provenance, answering 'is this known?'."""
