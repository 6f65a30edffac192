"""Reading of web archives: WARC, ARC, WACZ. What is damaged is contained in the record where it stands."""
