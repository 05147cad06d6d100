"""Files that go into the owner's Drive: uploads, the list of them, and their folder."""
