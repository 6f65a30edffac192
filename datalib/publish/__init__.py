"""Pages for people: the report about one library, the catalogue of many. What they show is found out elsewhere."""
