"""What the pinned scim2-models does not know yet: `securityEvents` of ServiceProviderConfig (RFC 9967 section 4). It refuses unknown members, as it should, so it is given the rest."""

from scim2_models import Context, ScimProvider, ServiceProviderConfig

YOUNGER = {"securityEvents"}


def provider(http):
    """What a client is told beforehand: the server's own ServiceProviderConfig without the members above; and those members."""
    published = http.get("/ServiceProviderConfig", headers={"Accept": "application/scim+json"}).json()
    younger = {name: published.pop(name) for name in YOUNGER & set(published)}
    return ScimProvider(config=ServiceProviderConfig.model_validate(published, scim_ctx=Context.RESOURCE_QUERY_RESPONSE)), younger
