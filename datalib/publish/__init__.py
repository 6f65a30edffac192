"""Pages for people: the report about one library. Templates; what they show is found out elsewhere."""
