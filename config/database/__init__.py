"""
Database provisioning: login roles, privileges, functions and row-level security.

`table_grants` declares privileges, `row_owners` the owner of each row. `provisioning` applies or
reports the differences.
"""
