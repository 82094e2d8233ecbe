"""Reports as they are published, frozen and shown; the monthly one is made here, the others in equality/ and need/."""
