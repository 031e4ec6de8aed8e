"""Which listings of which sources are one coin. Pure: a catalogue in, links out; nobody is asked, nothing is kept."""
