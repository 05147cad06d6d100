"""
Database provisioning: login roles, privileges, functions and row-level security.

`login_roles` creates the login roles. `table_grants` lists the privileges of each process class
on each table, and `row_owners` the owner of each row. `database_privileges` reads the actual
privileges. `provisioning` applies the differences, or reports them.
"""
