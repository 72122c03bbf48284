"""The tests of myfy-data, by what they need: nothing, servers, the repository, the examples."""
