"""Real clusters of database servers, started from packages on free ports and in temporary directories."""
