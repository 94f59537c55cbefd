"""2N intercoms, access units and indoor units."""
