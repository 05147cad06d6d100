"""The pages "Data access and activity": Access and Activity."""
