"""`account`: the deploy role lets us in, and into the right account.

That the role can be assumed is what every check begins with (`login`); here it is the purpose.
"""

from infra_assets.stacks.health.looks import Answer, Finding, Look


def account(look: Look) -> list[Finding]:
    """Look whose account the deploy role's credentials belong to."""
    return look.findings({"caller": _caller})


def _caller(look: Look) -> Answer:
    identity = look.client("sts").get_caller_identity()
    own = look.cell.tep.account_id
    where = "" if identity["Account"] == own else f": not account {own}"
    return not where, f"{identity['Arn']}{where}"
