"""
The walls in the database: who logs in as what, what each may touch, and whose rows it sees.

`roles` makes the login roles, `grants` says what each class of process may do with each table,
`acl` compares that with what the database says, and `walls` puts it right or reports it.
"""
