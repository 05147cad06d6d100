"""Errors of Google's token, tokeninfo and userinfo endpoints; the texts are only realistic."""

from integrations.sandbox.http_messages import HttpProblem, make_json_answer


def _make_oauth_problem(
    error: str, description: str = "", *, status: int = 400, **more: str
) -> HttpProblem:
    body = {"error": error} | ({"error_description": description} if description else {}) | more
    return HttpProblem(make_json_answer(body, status))


def invalid_grant(description: str = "Token has been expired or revoked.") -> HttpProblem:
    return _make_oauth_problem("invalid_grant", description)


def malformed_code() -> HttpProblem:
    return _make_oauth_problem("invalid_grant", "Malformed auth code.")


def invalid_code_verifier() -> HttpProblem:
    return _make_oauth_problem("invalid_grant", "Invalid code verifier.")


def missing_code_verifier() -> HttpProblem:
    return _make_oauth_problem("invalid_grant", "Missing code verifier.")


def invalid_rapt() -> HttpProblem:
    return _make_oauth_problem(
        "invalid_grant", "reauth related error (invalid_rapt)", error_subtype="invalid_rapt"
    )


def admin_policy_enforced() -> HttpProblem:
    return _make_oauth_problem("admin_policy_enforced", "Access was blocked by an administrator.")


def invalid_scope() -> HttpProblem:
    return _make_oauth_problem("invalid_scope", "Bad Request")


def invalid_client(description: str = "The OAuth client was not found.") -> HttpProblem:
    return _make_oauth_problem("invalid_client", description, status=401)


def wrong_client_secret() -> HttpProblem:
    return _make_oauth_problem(
        "invalid_client", "The provided client secret is invalid.", status=401
    )


def redirect_uri_mismatch() -> HttpProblem:
    return _make_oauth_problem("redirect_uri_mismatch", "Bad Request")


def unsupported_grant_type(grant_type: str) -> HttpProblem:
    return _make_oauth_problem("unsupported_grant_type", f"Invalid grant_type: {grant_type}")


def invalid_request(description: str) -> HttpProblem:
    return _make_oauth_problem("invalid_request", description)


def invalid_token() -> HttpProblem:
    return _make_oauth_problem("invalid_token", "Token expired or revoked")


def tokeninfo_invalid() -> HttpProblem:
    return _make_oauth_problem("invalid_token", "Invalid Value")


def userinfo_unauthorized() -> HttpProblem:
    return _make_oauth_problem("invalid_request", "Invalid Credentials", status=401)
