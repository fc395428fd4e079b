"""Which items of several TEPs are the same one, and which texts literally are, whatever was taken for a TEP's own in them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from infra_assets.fleet.models import Tep
from infra_assets.previews.parity.sides import Item
from infra_assets.reports import neutral

Items = Mapping[Item, Mapping[str, int]]


def forms(text: str, teps: Iterable[Tep]) -> set[str]:
    """Return the texts that a neutral text may stand for: `prod`, where a TEP's environment is called so, may be a mere word.

    Two texts are the same where one of their forms is.
    """
    found = {text}
    if "{" not in text:
        return found
    for tep in teps:
        tenant = text.replace(neutral.TENANT, tep.tenant)
        both = tenant.replace(neutral.ENVIRONMENT, tep.environment)
        rest = both.replace(neutral.TEP, tep.name).replace(neutral.REGION, tep.region)
        every = rest.replace(neutral.ACCOUNT, tep.account_id).replace(neutral.EXTERNAL_ID, tep.external_id)
        found |= {tenant, text.replace(neutral.ENVIRONMENT, tep.environment), both, every}
    return found


def identities(items: Items, teps: Mapping[str, Tep]) -> dict[Item, Item]:
    """Return for each item the one that it is the same as."""
    named = _same_names(items, teps)
    together: dict[Item, list[Item]] = {}
    for item in items:
        together.setdefault(replace(named[item], parents=""), []).append(item)
    found: dict[Item, Item] = {}
    for plain, same in together.items():
        # A resource that another component holds is the same, unless a TEP has two of its name.
        alone = len({tep for item in same for tep in items[item]}) == sum(len(items[item]) for item in same)
        found.update({item: plain if alone else replace(plain, parents=item.parents) for item in same})
    return found


def merged(items: Items, same: Mapping[Item, Item]) -> dict[Item, dict[str, int]]:
    """Return the items with what all TEPs have of them."""
    found: dict[Item, dict[str, int]] = {}
    for item, having in items.items():
        found.setdefault(same[item], {}).update(having)
    return found


def _same_names(items: Items, teps: Mapping[str, Tep]) -> dict[Item, Item]:
    """Return the items with names of which only one stands for what is literally the same."""
    kinds: dict[tuple[str, str, str], list[Item]] = {}
    for item in items:
        kinds.setdefault((item.project, item.kind, item.type), []).append(item)
    found: dict[Item, Item] = {}
    for each in kinds.values():
        by_form: dict[str, Item] = {}
        # Those of the most TEPs give the name.
        for item in sorted(each, key=lambda item: (-len(items[item]), item.name)):
            mine = forms(item.name, (teps[tep] for tep in items[item]))
            other = next((by_form[form] for form in mine if form in by_form), item)
            known = other if other is item or not items[other].keys() & items[item].keys() else item
            found[item] = replace(item, name=known.name)
            for form in mine:
                by_form.setdefault(form, known)
    return found
