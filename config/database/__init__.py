"""
The walls in the database: who logs in as what, what each may touch, and whose rows it sees.

`login_roles` creates the login roles, `grants` states the rights of each process class per table,
`acl` compares them with the database's catalogue, and `provisioning` corrects or reports them.
"""
