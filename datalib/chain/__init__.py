"""What happened to a library: envelopes, events, replay."""
