"""One reader for each input: from files that people keep to facts that we plan with."""
