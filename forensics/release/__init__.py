"""Who may give out what: the approval of a second person before a report or export leaves the laboratory."""
